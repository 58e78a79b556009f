"""Running totals: what an entry that moves two cohorts says of them, as they stand after it. Source: design section 6.

A cohort's totals go over all its kinds: what is proved is the rate of (role, address, tier, period).
"""

from collections.abc import Mapping
from typing import NamedTuple

from contracts.leaf import Totals
from services.ledger.records import CohortKey, CohortMove


class TotalsKey(NamedTuple):
    """Of which cohort totals are kept: a ``CohortKey`` without its kind."""

    role: str
    address: str
    tier: str
    period: str


class RunningTotals:
    """The totals of cohorts, from those before the first entry onwards; a cohort without any has had no entry yet."""

    def __init__(self, before: Mapping[TotalsKey, Totals]) -> None:
        # As leaves state them: every entry that counts something comes by here.
        self._totals = {key: totals.to_dict() for key, totals in before.items()}

    def after(self, move: CohortMove) -> dict[str, dict[str, int]]:
        """Move both cohorts, and say where they stand: the member ``totals`` of the entry's data."""
        return {
            "recipient": self._moved(totals_key(move.recipient), move.by),
            "sender": self._moved(totals_key(move.sender), move.by),
        }

    def _moved(self, key: TotalsKey, by: Mapping[str, int]) -> dict[str, int]:
        # A new one each time: the one before stands in the entry before.
        totals = self._totals[key] = dict(self._totals.get(key, _NONE))
        for name, count in by.items():
            if name in totals:
                totals[name] += count
        return totals


def totals_key(cohort: CohortKey) -> TotalsKey:
    """Among which totals a cohort counts."""
    return TotalsKey(cohort.role, cohort.address, cohort.tier, cohort.period)


_NONE = Totals().to_dict()
