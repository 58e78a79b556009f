"""Closings: which months are closed, and the figures that were fixed with them.

Only months are closed. A year's closed figures are the sums of its months', each as of its own cut-off, and exist once
all twelve are closed; so a year can never disagree with its months.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contracts.period import Calendar
from contracts.rates import Figures
from services.ledger.rates import Role, by_tier
from services.ledger.store.connection import Connection
from services.ledger.store.queries import READING, at_and_below

_SMALLEST_STEP = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Closing:
    """That a period is closed: the figures are those of just before ``as_of``, and entry ``entry`` says so."""

    period: str
    as_of: datetime
    closed_at: datetime
    by: str
    entry: int

    @property
    def last_moment(self) -> datetime:
        """The last moment that counts, in the smallest steps that the ledger's times have."""
        return self.as_of - _SMALLEST_STEP


async def closings(connection: Connection) -> dict[str, Closing]:
    """The closed months."""
    rows = await connection.fetch(READING["closings"])
    return {row["period"]: Closing(**dict(row)) for row in rows}


def open_months(calendar: Calendar, period: str, closed: Mapping[str, Closing]) -> list[str]:
    """The months of a month or year that are not closed. Raises PeriodError."""
    return [month for month in calendar.months(period) if month not in closed]


def closing_of(calendar: Calendar, period: str, closed: Mapping[str, Closing]) -> Closing | None:
    """The closing of a month or year, None while any of it is open. Raises PeriodError.

    A year is closed by whoever closed the month that completed it, and stands as of its last month's cut-off.
    """
    if open_months(calendar, period, closed):
        return None
    months = [closed[month] for month in calendar.months(period)]
    completing = max(months, key=lambda closing: closing.entry)
    return Closing(period, months[-1].as_of, completing.closed_at, completing.by, completing.entry)


async def closed_figures(
    connection: Connection, months: Sequence[str], role: Role, jurisdiction: str, kind: str | None
) -> dict[str, Figures]:
    """The fixed figures of closed months, by tier."""
    below = at_and_below(jurisdiction)
    return by_tier(await connection.fetch(READING["closed_figures"], role, list(months), below, kind))
