"""How things are measured against each other: in turns, in one run, so that a slow minute hits all of them alike."""

import statistics
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Series:
    """What one thing measured in each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """The distance between the extremes, as a part of the median."""
        return (max(self.values) - min(self.values)) / self.median

    def to_dict(self) -> dict[str, object]:
        """As it stands in the results."""
        return {"median": self.median, "spread": self.spread, "rounds": list(self.values)}


async def in_turns(
    contestants: Mapping[str, Callable[[], Awaitable[float]]], rounds: int = ROUNDS
) -> dict[str, Series]:
    """What each contestant measured, ``rounds`` times; who begins changes from round to round."""
    names = list(contestants)
    measured: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            measured[name].append(await contestants[name]())
    return {name: Series(tuple(values)) for name, values in measured.items()}


def ratios(over: Series, under: Series) -> Series:
    """Round by round, ``over`` as a multiple of ``under``."""
    return Series(tuple(one / other for one, other in zip(over.values, under.values, strict=True)))


def percentile(values: list[float], part: float) -> float:
    """The value below which ``part`` of ``values`` lie, from 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
