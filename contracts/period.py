"""Statistical periods and the days of the exchange: which period a moment belongs to, when a day ends.

A month runs from its first day (the 21st by default) to the day before it in the next calendar month, and is named
after the calendar month it ends in: ``2026-11`` is 21 October to 20 November. A year, ``2026``, is its twelve months.
Days end at midnight in the platform's zone. Source: design section 1.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# `[0-9]` and not `\d`, because `\d` also accepts the digits of other scripts.
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_YEAR = re.compile(r"[0-9]{4}")


class PeriodError(ValueError):
    """A period's name that is neither ``YYYY-MM`` nor ``YYYY``, or lies outside what dates can hold."""


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time, ``start <= moment < end``, both aware."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Calendar:
    """The platform's statistical calendar. ``first_day`` is the day of the month, 1 to 28, on which a month begins."""

    zone: ZoneInfo
    first_day: int = 21

    def __post_init__(self) -> None:
        if not 1 <= self.first_day <= 28:
            raise PeriodError(f"a month can begin on day 1 to 28, not {self.first_day}")

    def local_date(self, moment: datetime) -> date:
        """The platform's date at ``moment``."""
        return moment.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The moment at which ``day`` begins, in UTC."""
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def period_of(self, moment: datetime) -> str:
        """The name of the month that ``moment`` falls into."""
        day = self.local_date(moment)
        ends_next_month = self.first_day > 1 and day.day >= self.first_day
        last = _first_of_next_month(day) if ends_next_month else day
        return f"{last.year:04d}-{last.month:02d}"

    def span(self, period: str) -> Span:
        """When ``period``, a month or a year, begins and ends. Raises PeriodError for a malformed name."""
        months = self.months(period)
        return Span(self._begin(months[0]), self._begin(_next_month(months[-1])))

    def months(self, period: str) -> list[str]:
        """The months that ``period`` consists of: itself, or the twelve of a year. Raises PeriodError."""
        if _MONTH.fullmatch(period) and "0001-01" < period < "9999-12":
            return [period]
        if _YEAR.fullmatch(period) and "0001" < period < "9999":
            return [f"{period}-{month:02d}" for month in range(1, 13)]
        raise PeriodError(f"a period is written YYYY-MM or YYYY, for example 2026-11; this is {period[:20]!r}")

    def _begin(self, month: str) -> datetime:
        first = date(int(month[:4]), int(month[5:]), 1)
        if self.first_day > 1:
            first = (first - timedelta(days=1)).replace(day=self.first_day)
        return self.midnight(first)


def _first_of_next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _next_month(month: str) -> str:
    following = _first_of_next_month(date(int(month[:4]), int(month[5:]), 1))
    return f"{following.year:04d}-{following.month:02d}"
