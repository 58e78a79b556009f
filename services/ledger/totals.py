"""Running totals: what an entry that moves two cohorts says of them, as they stand after it. Source: design section 6.

A cohort's totals go over all its kinds: what is proved is the rate of (role, address, tier, period).
"""

from collections.abc import Iterable, Mapping
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
    """The totals of those cohorts that are known of, carried on from entry to entry."""

    def __init__(self) -> None:
        # As leaves state them: every entry that counts something comes by here.
        self._totals: dict[TotalsKey, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._totals)

    def unknown(self, cohorts: Iterable[CohortKey]) -> set[TotalsKey]:
        """Of which of ``cohorts`` nothing is known yet."""
        return {totals_key(cohort) for cohort in cohorts} - self._totals.keys()

    def know(self, cohorts: Iterable[TotalsKey], before: Mapping[TotalsKey, Totals]) -> None:
        """Where ``cohorts`` stand; one that is not in ``before`` has had no entry."""
        for key in cohorts:
            self._totals[key] = before.get(key, _NONE).to_dict()

    def after(self, move: CohortMove) -> dict[str, dict[str, int]]:
        """Move both cohorts, and say where they stand: the member ``totals`` of the entry's data. Raises KeyError for a
        cohort that nothing is known of.
        """
        return {
            "recipient": self._moved(totals_key(move.recipient), move.by),
            "sender": self._moved(totals_key(move.sender), move.by),
        }

    def _moved(self, key: TotalsKey, by: Mapping[str, int]) -> dict[str, int]:
        # A new one each time: the one before stands in the entry before.
        totals = self._totals[key] = dict(self._totals[key])
        for name, count in by.items():
            if name in totals:
                totals[name] += count
        return totals


def totals_key(cohort: CohortKey) -> TotalsKey:
    """Among which totals a cohort counts."""
    return TotalsKey(cohort.role, cohort.address, cohort.tier, cohort.period)


_NONE = Totals()
