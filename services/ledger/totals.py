"""Running totals: what an entry that moves two cohorts says of them, as they stand after it. Source: design section 6.

A cohort's totals go over all its kinds: what is proved is the rate of (role, address, tier, period).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

import msgspec

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
        # Their counts in the order of their names, in which a leaf has them.
        self._totals: dict[TotalsKey, dict[str, int]] = {}

    def __len__(self) -> int:
        return len(self._totals)

    def unknown(self, cohorts: Iterable[CohortKey]) -> set[TotalsKey]:
        """Of which of ``cohorts`` nothing is known yet."""
        return {totals_key(cohort) for cohort in cohorts} - self._totals.keys()

    def know(self, cohorts: Iterable[TotalsKey], before: Mapping[TotalsKey, Totals]) -> None:
        """Where ``cohorts`` stand; one that is not in ``before`` has had no entry."""
        for key in cohorts:
            self._totals[key] = dict(sorted(before.get(key, _NONE).to_dict().items()))

    def after(self, move: CohortMove) -> msgspec.Raw:
        """Move both cohorts, and say where they stand: the member ``totals`` of the entry's data, as a leaf has it.

        Raises KeyError for a cohort that nothing is known of.
        """
        recipient = self._moved(totals_key(move.recipient), move.by)
        return msgspec.Raw(b'{"recipient":%b,"sender":%b}' % (recipient, self._moved(totals_key(move.sender), move.by)))

    def _moved(self, key: TotalsKey, by: Mapping[str, int]) -> bytes:
        totals = self._totals[key]
        for name, count in by.items():
            if name in totals:
                totals[name] += count
        return _encode(totals)


@lru_cache(maxsize=65_536)
def totals_key(cohort: CohortKey) -> TotalsKey:
    """Among which totals a cohort counts."""
    return TotalsKey(cohort.role, cohort.address, cohort.tier, cohort.period)


_NONE = Totals()
_encode = msgspec.json.Encoder().encode
