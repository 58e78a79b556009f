"""Running totals: what an entry that moves two cohorts says of them, as they stand after it. Source: design section 6.

A cohort's totals go over all its kinds: what is proved is the rate of (role, address, tier, period).
"""

from collections.abc import Mapping
from typing import NamedTuple

from contracts.leaf import Totals
from services.ledger.records import CohortKey, CohortMove, Move


class TotalsKey(NamedTuple):
    """Of which cohort totals are kept: a ``CohortKey`` without its kind."""

    role: str
    address: str
    tier: str
    period: str


class RunningTotals:
    """The totals of cohorts, from those before the first entry onwards; a cohort without any has had no entry yet."""

    def __init__(self, before: Mapping[TotalsKey, Totals]) -> None:
        self._totals = dict(before)

    def after(self, move: CohortMove) -> dict[str, dict[str, int]]:
        """Move both cohorts, and say where they stand: the member ``totals`` of the entry's data."""
        by = _counted(move.by)
        return {key.role: self._moved(key, by).to_dict() for key in (move.recipient, move.sender)}

    def _moved(self, cohort: CohortKey, by: Totals) -> Totals:
        key = totals_key(cohort)
        totals = self._totals[key] = self._totals.get(key, _NONE) + by
        return totals


def totals_key(cohort: CohortKey) -> TotalsKey:
    """Among which totals a cohort counts."""
    return TotalsKey(cohort.role, cohort.address, cohort.tier, cohort.period)


def _counted(by: Move) -> Totals:
    return Totals(
        received=by.received,
        answered=by.answered,
        on_time=by.on_time,
        on_time_original=by.on_time_original,
        substantive=by.substantive,
        withdrawn=by.withdrawn,
        forwarded=by.forwarded,
    )


_NONE = Totals()
