"""What a verification found out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.checkpoints import Checkpoint
from contracts.leaf import Totals
from contracts.rates import Figures
from services.verifier.findings import Findings
from services.verifier.numbering import Numbering
from services.verifier.records import Cohort, CohortKey

TIERS = ("national", "provincial")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Result:
    """``checkpoint`` is None where none with a signature that holds was served, and ``cohorts`` None where the entries
    do not make its root: then there are no figures. ``notes`` are the signed checkpoints that contradict each other.
    """

    findings: Findings = field(default_factory=Findings)
    checkpoint: Checkpoint | None = None
    before: Checkpoint | None = None
    notes: tuple[str, ...] = ()
    newest: int | None = None
    cohorts: Mapping[CohortKey, Cohort] | None = None
    closed: Mapping[str, int] = field(default_factory=dict)
    numbering: Numbering = field(default_factory=lambda: Numbering(0))

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong with the log."""
        return not self.findings and self.cohorts is not None

    @property
    def newest_at(self) -> datetime | None:
        """The time of the newest entry."""
        return None if self.newest is None else _EPOCH + timedelta(microseconds=self.newest)

    def figures(self, role: str = "recipient", jurisdiction: str = "", period: str | None = None) -> dict[str, Figures]:
        """The figures by tier, of a jurisdiction with everything below it, as they were counted from the entries.

        ``jurisdiction`` "" is the whole log, ``period`` None all months. Empty where there are no figures.
        """
        sums = dict.fromkeys(TIERS, Totals())
        for key, cohort in (self.cohorts or {}).items():
            if key.role == role and period in (None, key.period) and _lies_in(key.address, jurisdiction):
                sums[key.tier] = sums.get(key.tier, Totals()) + cohort.counted
        return {} if self.cohorts is None else {tier: figures(totals) for tier, totals in sums.items()}


def figures(totals: Totals) -> Figures:
    """Totals with what is derived from them."""
    return Figures(**totals.to_dict(), unanswered=totals.unanswered)


def _lies_in(address: str, jurisdiction: str) -> bool:
    # A code begins with those above it; nothing lies below a department.
    return address == jurisdiction if "." in jurisdiction else address.startswith(jurisdiction)
