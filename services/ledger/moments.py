"""Moments as a request writes them: ISO 8601, with or without an offset, or a whole day."""

from datetime import UTC, date, datetime, timedelta

from contracts.period import Calendar
from contracts.problems import ProblemError, ProblemType, echo

_EXAMPLE = "write it like 2026-11-24T18:00:00+08:00, 2026-11-24T18:00 (the platform's zone) or 2026-11-24"


def read_moment(name: str, text: str, calendar: Calendar, *, end_of_day: bool) -> datetime:
    """The moment that ``text`` names, in UTC; a whole day is its beginning, or its end where ``end_of_day`` says so.

    Raises ProblemError naming the parameter.
    """
    try:
        if len(text) == len("2026-11-24"):
            day = date.fromisoformat(text)
            return calendar.midnight(day + timedelta(days=1) if end_of_day else day)
        # A plus sign in a query string arrives as a space when the client did not escape it.
        moment = datetime.fromisoformat(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=calendar.zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ProblemError(ProblemType.INVALID_REQUEST, f"{name} is a moment, not {echo(text)}; {_EXAMPLE}") from None
