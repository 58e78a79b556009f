"""The schedule of a run: a pure function of seed and duration, so that a seed replays it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tests.faults.chaos.faults import CONSUMED, TARGETS, Fault, Nature

HEARTBEAT_SECONDS = 10.0
_BREAK_SECONDS = (3.0, 18.0)


@dataclass(frozen=True, slots=True)
class Strike:
    """From ``at`` seconds after the beginning, ``target`` suffers ``fault`` for ``held`` seconds.

    ``queue`` is where a consumer is deleted.
    """

    at: float
    target: str
    fault: Fault
    held: float
    queue: str | None = None


def schedule(seed: int, duration: float, heartbeat: float = HEARTBEAT_SECONDS) -> tuple[Strike, ...]:
    """All strikes in their order. None begins that would last beyond ``duration`` seconds.

    Each target has a sequence of its own, so that faults of different targets overlap as chance will have it and those
    of one do not. ``heartbeat`` is that of the services' connections, in seconds.
    """
    strikes = [
        strike
        for target, natures in TARGETS.items()
        for strike in _sequence(Random(f"{seed} {target}"), target, natures, duration, heartbeat)
    ]
    return tuple(sorted(strikes, key=lambda strike: (strike.at, strike.target)))


def _sequence(
    random: Random, target: str, natures: Sequence[Nature], duration: float, heartbeat: float
) -> Iterator[Strike]:
    at = random.uniform(*_BREAK_SECONDS)
    while True:
        # Dealt like cards, so that every fault has its turn before one comes again.
        for nature in random.sample(natures, len(natures)):
            held = random.uniform(nature.shortest, nature.longest) + nature.heartbeats * heartbeat
            if at + held > duration:
                return
            queue = random.choice(CONSUMED) if nature.fault is Fault.CONSUMER else None
            yield Strike(round(at, 2), target, nature.fault, round(held, 2), queue)
            at += held + nature.recovery + random.uniform(*_BREAK_SECONDS)
