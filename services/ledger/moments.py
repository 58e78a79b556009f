"""Moments and spans as a request writes them: ISO 8601, with or without an offset, a whole day, or a period's name."""

from datetime import UTC, date, datetime, timedelta

from contracts.period import Calendar, PeriodError, Span
from contracts.problems import ProblemError, ProblemType, echo

FIRST_MOMENT = datetime(1, 1, 1, tzinfo=UTC)
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


def read_span(calendar: Calendar, period: str | None, from_: str | None, to: str | None) -> tuple[str | None, Span]:
    """The period's name and span, or the span of ``from`` and ``to``; the current period where none is named.

    Raises ProblemError.
    """
    if from_ or to:
        if period:
            raise ProblemError(ProblemType.INVALID_REQUEST, "give a period, or from and to, not both")
        start = read_moment("from", from_, calendar, end_of_day=False) if from_ else FIRST_MOMENT
        end = read_moment("to", to, calendar, end_of_day=True) if to else datetime.now(UTC)
        if end < start:
            raise ProblemError(ProblemType.INVALID_REQUEST, "to lies before from")
        return None, Span(start, end)
    name = period or calendar.period_of(datetime.now(UTC))
    try:
        return name, calendar.span(name)
    except PeriodError as error:
        raise ProblemError(ProblemType.INVALID_REQUEST, str(error)) from None
