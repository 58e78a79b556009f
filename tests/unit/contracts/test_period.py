"""Statistical periods: every moment belongs to exactly one month, and names and spans agree."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.period import Calendar, PeriodError

SHANGHAI = Calendar(ZoneInfo("Asia/Shanghai"))
CALENDARS = st.builds(
    Calendar,
    st.sampled_from(
        [ZoneInfo("Asia/Shanghai"), ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns")]
    ),
    st.integers(1, 28),
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone.


def test_a_month_is_named_after_the_month_it_ends_in() -> None:
    span = SHANGHAI.span("2026-11")
    assert span.start == datetime(2026, 10, 20, 16, tzinfo=UTC)
    assert span.end == datetime(2026, 11, 20, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "period"),
    [
        ("2026-11-20T23:59:59.999999+08:00", "2026-11"),
        ("2026-11-21T00:00:00+08:00", "2026-12"),
        ("2026-12-31T23:59:59+08:00", "2027-01"),
        ("2024-02-29T12:00:00+08:00", "2024-03"),
        ("2026-11-20T16:00:00+00:00", "2026-12"),
        ("2026-01-20T23:59:59+08:00", "2026-01"),
    ],
)
def test_a_moment_belongs_to_the_period_of_its_local_day(moment: str, period: str) -> None:
    assert SHANGHAI.period_of(datetime.fromisoformat(moment)) == period


def test_a_year_is_its_twelve_months() -> None:
    months = [SHANGHAI.span(month) for month in SHANGHAI.months("2026")]
    assert SHANGHAI.span("2026").start == months[0].start == datetime(2025, 12, 20, 16, tzinfo=UTC)
    assert SHANGHAI.span("2026").end == months[-1].end
    assert all(a.end == b.start for a, b in itertools.pairwise(months))


def test_a_calendar_whose_month_begins_on_the_first_is_the_civil_one() -> None:
    civil = Calendar(ZoneInfo("UTC"), first_day=1)
    assert civil.span("2024-02").end == datetime(2024, 3, 1, tzinfo=UTC)
    assert civil.period_of(datetime(2024, 2, 29, 23, tzinfo=UTC)) == "2024-02"


@given(CALENDARS, MOMENTS)
def test_every_moment_lies_in_the_span_of_its_period_and_in_no_neighbour(calendar: Calendar, moment: datetime) -> None:
    span = calendar.span(calendar.period_of(moment))
    assert moment in span
    assert calendar.period_of(span.start) == calendar.period_of(span.end - timedelta(microseconds=1))
    assert calendar.period_of(span.end) != calendar.period_of(moment)


@pytest.mark.parametrize(
    "name", ["", "2026-13", "2026-00", "26-11", "2026-1", "2026-11-01", "２０２６", "0000", "9999-12", "x" * 99]
)
def test_a_malformed_period_is_one_named_error(name: str) -> None:
    with pytest.raises(PeriodError):
        SHANGHAI.span(name)


def test_a_month_cannot_begin_on_a_day_that_some_months_lack() -> None:
    with pytest.raises(PeriodError):
        Calendar(ZoneInfo("UTC"), first_day=29)


def test_a_day_ends_at_local_midnight() -> None:
    assert SHANGHAI.midnight(date(2026, 11, 25)) == datetime(2026, 11, 24, 16, tzinfo=UTC)
    assert SHANGHAI.local_date(datetime(2026, 11, 24, 16, tzinfo=UTC)) == date(2026, 11, 25)
