"""Rates: a jurisdiction's figures over a period or any span, as of now or any moment. Source: design section 1."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Literal

from contracts.directory import Directory
from contracts.period import Calendar, Span
from contracts.rates import Figures
from services.ledger.places import counted_under, places
from services.ledger.store.connection import Connection, Row
from services.ledger.store.queries import READING, at_and_below

Role = Literal["recipient", "sender"]
TIERS = ("national", "provincial")


@dataclass(frozen=True, slots=True)
class RateQuestion:
    """Whose figures are asked for. ``jurisdiction`` "" is the whole platform; ``period`` None means the span is not a
    period; under the codes of ``today``, or, where that is None, under those of the time.
    """

    jurisdiction: str
    role: Role
    span: Span
    period: str | None
    as_of: datetime | None
    kind: str | None = None
    today: Directory | None = None


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
    as_of = question.as_of or datetime.now(UTC)
    read = _as_reported if question.today is None else _under_todays_codes
    rows = await read(connection, calendar, question, as_of)
    return RateAnswer(by_tier(rows), as_of)


def by_tier(rows: Iterable[Row]) -> dict[str, Figures]:
    """Rows of figures, one a tier at most, with zeros for what has none."""
    return dict.fromkeys(TIERS, Figures()) | {row["tier"]: figures_of(row) for row in rows}


def figures_of(row: Row) -> Figures:
    """The figures in a row that has a column for each."""
    return Figures(**{field.name: row[field.name] for field in fields(Figures)})


async def _as_reported(
    connection: Connection, calendar: Calendar, question: RateQuestion, as_of: datetime
) -> list[Row]:
    below, span = at_and_below(question.jurisdiction), question.span
    if question.period is not None and question.as_of is None:
        months = calendar.months(question.period)
        return await connection.fetch(READING["figures_of_periods"], question.role, months, below, question.kind)
    statement = READING[f"figures_as_{question.role}"]
    return await connection.fetch(statement, below, span.start, span.end, as_of, question.kind)


async def _under_todays_codes(
    connection: Connection, calendar: Calendar, question: RateQuestion, as_of: datetime
) -> list[Row]:
    months = None if question.period is None else calendar.months(question.period)
    known = await places(connection, question.role, months)
    meant = known if question.today is None else counted_under(question.today, question.jurisdiction, known)
    addresses, years = [place.address for place in meant], [place.year for place in meant]
    if months is not None and question.as_of is None:
        statement = READING["figures_of_periods_at_places"]
        return await connection.fetch(statement, question.role, months, addresses, years, question.kind)
    span = (question.span.start, question.span.end)
    statement = READING["figures_at_places"]
    return await connection.fetch(statement, question.role, *span, as_of, addresses, years, question.kind)
