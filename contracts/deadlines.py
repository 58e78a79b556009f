"""Deadlines: until which day a query of a kind is to be answered.

The day of arrival does not count, and the due day counts to its end: a query that arrives on 24 November and has 30
calendar days is due on 24 December. Days are those of the platform's zone.
"""

from datetime import date, timedelta
from typing import assert_never

from contracts.kinds import DayCount, Kind
from contracts.problems import ProblemError, ProblemType
from contracts.working_days import working_days_after


def deadline(kind: Kind, *, urgent: bool, from_day: date) -> date | None:
    """The last day on which an answer to a query of ``kind`` that arrived on ``from_day`` is in time; None where no
    answer is owed.
    """
    days = kind.days(urgent=urgent)
    if days is None:
        return None
    match kind.day_count:
        case DayCount.CALENDAR:
            return from_day + timedelta(days=days)
        case DayCount.WORKING:
            return working_days_after(from_day, days)
        case _:
            assert_never(kind.day_count)


def due_day(kind: Kind, asked: date | None, *, urgent: bool, today: date) -> date | None:
    """The day on which a query of ``kind`` that arrives ``today`` is due: the one its sender ``asked`` for, else the
    kind's deadline; None where no answer is owed.

    Raises ProblemError for a day that has passed, or lies behind the kind's deadline.
    """
    latest = deadline(kind, urgent=urgent, from_day=today)
    if latest is None or asked is None:
        return latest
    if asked < today:
        raise ProblemError(ProblemType.DUE_IN_THE_PAST, f"due {asked} has passed; today is {today}")
    if asked > latest:
        urgently = " urgently" if urgent else ""
        raise ProblemError(
            ProblemType.DUE_TOO_LATE, f"due {asked} is later than {kind.name} allows{urgently}, which is {latest}"
        )
    return asked
