"""What became of a run: its figures, and whether all is well."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.faults.chaos.faults import Fault
from tests.faults.chaos.schedule import Strike
from tests.faults.harness.verdict import Verdict

_ONLY_KILLING = {Fault.KILL, Fault.IMMEDIATE, Fault.BACKEND}


@dataclass(frozen=True, slots=True)
class Executed:
    """A strike as it was carried out, in seconds after the beginning, and what was seen of it."""

    strike: Strike
    began: float
    ended: float
    saw: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one run. ``kills`` counts killed processes by target, ``ends`` are services that ended by themselves.

    ``looks`` is how often the exchange was looked at meanwhile, ``seen`` what was wrong then.
    """

    seed: int
    duration: float
    executed: Sequence[Executed]
    verdict: Verdict
    kills: Mapping[str, int]
    ends: Sequence[str]
    looks: int
    seen: Sequence[str]
    settled_after: float
    versions: Mapping[str, str]

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing counted twice, no disagreement, now and at every look; and nobody gave up."""
        return self.verdict.clean and not self.seen and not self.ends

    @property
    def others(self) -> Mapping[str, int]:
        """Strikes that did something else than kill, by fault and target."""
        strikes = (done.strike for done in self.executed)
        others = Counter(f"{one.fault}: {one.target}" for one in strikes if one.fault not in _ONLY_KILLING)
        return dict(sorted(others.items()))
