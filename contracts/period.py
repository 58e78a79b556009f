"""Statistical periods and the days of the exchange: which period a moment belongs to, when a day ends.

A month runs from its first day (the 21st by default) to the day before it in the next calendar month, and is named
after the calendar month it ends in: ``2026-11`` is 21 October to 20 November. A year, ``2026``, is the twelve months
that end with its last one (December by default). Answers count for a period until its cut-off, some days after it has
ended. Days end at midnight in the platform's zone. Source: design section 1.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# `[0-9]` and not `\d`, because `\d` also accepts the digits of other scripts.
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_YEAR = re.compile(r"[0-9]{4}")


class PeriodError(ValueError):
    """A period's name that is neither ``YYYY-MM`` nor ``YYYY``, or lies outside what dates can hold; or a calendar that
    cannot be.
    """


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open stretch of time, ``start <= moment < end``, both aware."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Calendar:
    """The platform's statistical calendar.

    A month begins on ``first_day``. Its cut-off is the end of the first ``cutoff_day`` after it: of 2026-11, which ends
    on the 20th, the end of 27 November. A year ends with the month ``year_end_month``. Raises PeriodError for what
    cannot be.
    """

    zone: ZoneInfo
    first_day: int = 21
    cutoff_day: int = 27
    year_end_month: int = 12

    def __post_init__(self) -> None:
        # Not every month has the days after the 28th.
        if not 1 <= self.first_day <= 28:
            raise PeriodError(f"a month can begin on day 1 to 28, not {self.first_day}")
        if not 1 <= self.cutoff_day <= 28:
            raise PeriodError(f"the cut-off can be on day 1 to 28, not {self.cutoff_day}")
        if not 1 <= self.year_end_month <= 12:
            raise PeriodError(f"a year can end with month 1 to 12, not {self.year_end_month}")
        # The day before the first one ends a month. Of months that begin on the 1st, February may end on the 28th.
        if self.cutoff_day == (self.first_day - 1 or 28):
            raise PeriodError(
                f"the cut-off must lie after the end of a month and before the end of the next one: where a month "
                f"begins on day {self.first_day}, day {self.cutoff_day} can end one"
            )

    def local_date(self, moment: datetime) -> date:
        """The platform's date at ``moment``."""
        return moment.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The moment at which ``day`` begins, in UTC."""
        return self.moment(day, time.min)

    def moment(self, day: date, at: time) -> datetime:
        """The moment at which the platform's clocks show ``at`` on ``day``, in UTC."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def period_of(self, moment: datetime) -> str:
        """The name of the month that ``moment`` falls into."""
        return _period_of(self, moment)

    def span(self, period: str) -> Span:
        """When ``period``, a month or a year, begins and ends. Raises PeriodError for a malformed name."""
        months = self.months(period)
        return Span(self.midnight(self._first_date(months[0])), self.midnight(self._end_date(months[-1])))

    def cutoff(self, period: str) -> datetime:
        """The first moment after the cut-off of ``period``; of a year, that of its last month. Raises PeriodError."""
        ended = self._end_date(self.months(period)[-1])
        in_next_month = self.cutoff_day < ended.day
        day = (_first_of_next_month(ended) if in_next_month else ended).replace(day=self.cutoff_day)
        return self.midnight(day + timedelta(days=1))

    def months(self, period: str) -> list[str]:
        """The months that ``period`` consists of: itself, or the twelve of a year. Raises PeriodError."""
        if _MONTH.fullmatch(period) and "0001-01" < period < "9999-12":
            return [period]
        if _YEAR.fullmatch(period) and "0001" < period < "9999":
            last = f"{period}-{self.year_end_month:02d}"
            return [_months_later(last, distance) for distance in range(-11, 1)]
        raise PeriodError(f"a period is written YYYY-MM or YYYY, for example 2026-11; this is {period[:20]!r}")

    def year_of(self, month: str) -> str:
        """The statistical year that a month belongs to. Raises PeriodError."""
        (only,) = self.months(month)
        later = int(only[5:]) > self.year_end_month
        return f"{int(only[:4]) + int(later):04d}"

    def previous(self, period: str) -> str:
        """The period of the same length that ends where ``period`` begins. Raises PeriodError, also where there is
        none.
        """
        first = self.months(period)[0]
        before = f"{int(period) - 1:04d}" if _YEAR.fullmatch(period) else _months_later(first, -1)
        self.months(before)
        return before

    def recent(self, now: datetime, count: int) -> list[str]:
        """The names of the last ``count`` months, the one that ``now`` falls into first."""
        current = self.period_of(now)
        return [_months_later(current, -distance) for distance in range(count)]

    def _first_date(self, month: str) -> date:
        first = date(int(month[:4]), int(month[5:]), 1)
        return (first - timedelta(days=1)).replace(day=self.first_day) if self.first_day > 1 else first

    def _end_date(self, month: str) -> date:
        return self._first_date(_months_later(month, 1))


# Whatever a transaction counts has one moment.
@lru_cache(maxsize=256)
def _period_of(calendar: Calendar, moment: datetime) -> str:
    day = calendar.local_date(moment)
    ends_next_month = calendar.first_day > 1 and day.day >= calendar.first_day
    last = _first_of_next_month(day) if ends_next_month else day
    return f"{last.year:04d}-{last.month:02d}"


def _first_of_next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _months_later(month: str, distance: int) -> str:
    year, month_of_year = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + distance, 12)
    return f"{year:04d}-{month_of_year + 1:02d}"
