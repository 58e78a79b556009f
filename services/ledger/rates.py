"""Rates: a jurisdiction's figures over a period or any span, as of now or any moment. Source: design section 1."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Literal

from contracts.period import Calendar, Span
from contracts.rates import Figures
from services.ledger.store.connection import Connection, Row
from services.ledger.store.queries import READING, at_and_below

Role = Literal["recipient", "sender"]
TIERS = ("national", "provincial")


@dataclass(frozen=True, slots=True)
class RateQuestion:
    """Whose figures are asked for. ``jurisdiction`` "" is the whole platform; ``period`` None means the span is not a
    period.
    """

    jurisdiction: str
    role: Role
    span: Span
    period: str | None
    as_of: datetime | None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class RateAnswer:
    """The figures by tier, as of the moment that they were read for."""

    tiers: dict[str, Figures]
    as_of: datetime

    def of(self, tier: str | None) -> Figures:
        """The figures of one tier, or of both together."""
        return self.tiers[tier] if tier else sum(self.tiers.values(), Figures())


async def figures(connection: Connection, calendar: Calendar, question: RateQuestion) -> RateAnswer:
    """Answer ``question``: from the cohorts' counters where it is about whole periods now, else from the messages."""
    below = at_and_below(question.jurisdiction)
    now = datetime.now(UTC)
    if question.period is not None and question.as_of is None:
        months = calendar.months(question.period)
        rows = await connection.fetch(READING["figures_of_periods"], question.role, months, below, question.kind)
    else:
        statement = READING[f"figures_as_{question.role}"]
        as_of = question.as_of or now
        rows = await connection.fetch(statement, below, question.span.start, question.span.end, as_of, question.kind)
    tiers = dict.fromkeys(TIERS, Figures()) | {row["tier"]: _figures(row) for row in rows}
    return RateAnswer(tiers, question.as_of or now)


def _figures(row: Row) -> Figures:
    return Figures(**{field.name: row[field.name] for field in fields(Figures)})
