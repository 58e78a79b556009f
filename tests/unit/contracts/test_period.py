"""Statistical periods: every moment belongs to exactly one month, and names and spans agree."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.period import Calendar, PeriodError

SHANGHAI = Calendar(ZoneInfo("Asia/Shanghai"))
DAYS_THAT_GO_TOGETHER = st.tuples(st.integers(1, 28), st.integers(1, 28)).filter(
    lambda days: days[1] != (days[0] - 1 or 28)
)
CALENDARS = st.builds(
    lambda zone, days, year_end: Calendar(zone, days[0], days[1], year_end),
    st.sampled_from(
        [ZoneInfo("Asia/Shanghai"), ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/St_Johns")]
    ),
    DAYS_THAT_GO_TOGETHER,
    st.integers(1, 12),
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


@pytest.mark.parametrize(
    ("first_day", "cutoff_day", "year_end", "says"),
    [
        (29, 27, 12, "begin on day 1 to 28"),
        (21, 29, 12, "cut-off can be on day 1 to 28"),
        (21, 0, 12, "cut-off can be on day 1 to 28"),
        (21, 27, 13, "month 1 to 12"),
        (21, 20, 12, "begins on day 21, day 20 can end one"),
        (28, 27, 12, "begins on day 28, day 27 can end one"),
        (1, 28, 12, "begins on day 1, day 28 can end one"),
    ],
)
def test_a_calendar_that_cannot_be_says_why(first_day: int, cutoff_day: int, year_end: int, says: str) -> None:
    with pytest.raises(PeriodError, match=says):
        Calendar(ZoneInfo("UTC"), first_day, cutoff_day, year_end)


@pytest.mark.parametrize(
    ("first_day", "cutoff_day", "period", "after"),
    [
        (21, 27, "2026-11", date(2026, 11, 28)),
        (21, 27, "2026-12", date(2026, 12, 28)),
        (21, 27, "2026", date(2026, 12, 28)),
        (21, 28, "2024-02", date(2024, 2, 29)),
        (21, 28, "2025-02", date(2025, 3, 1)),
        (21, 21, "2026-11", date(2026, 11, 22)),
        (21, 5, "2026-11", date(2026, 12, 6)),
        (21, 5, "2026-12", date(2027, 1, 6)),
        (1, 27, "2026-11", date(2026, 12, 28)),
        (1, 5, "2024-02", date(2024, 3, 6)),
    ],
)
def test_a_period_is_cut_off_at_the_end_of_its_day(first_day: int, cutoff_day: int, period: str, after: date) -> None:
    calendar = Calendar(ZoneInfo("Asia/Shanghai"), first_day, cutoff_day)
    assert calendar.cutoff(period) == calendar.midnight(after)


def test_the_cut_off_of_the_usual_calendar_is_the_end_of_the_27th_in_shanghai() -> None:
    assert SHANGHAI.cutoff("2026-11") == datetime(2026, 11, 27, 16, tzinfo=UTC)


@given(CALENDARS, MOMENTS)
def test_a_cut_off_lies_after_its_month_and_before_the_end_of_the_next(calendar: Calendar, moment: datetime) -> None:
    month = calendar.period_of(moment)
    following = calendar.span(calendar.period_of(calendar.span(month).end))
    assert following.start < calendar.cutoff(month) < following.end


def test_a_year_ends_with_the_month_that_is_set() -> None:
    calendar = Calendar(ZoneInfo("Asia/Shanghai"), year_end_month=11)
    months = calendar.months("2026")
    assert (months[0], months[1], months[-1], len(months)) == ("2025-12", "2026-01", "2026-11", 12)
    assert calendar.span("2026").start == datetime(2025, 11, 20, 16, tzinfo=UTC)
    assert calendar.cutoff("2026") == calendar.cutoff("2026-11")
    assert Calendar(ZoneInfo("UTC"), year_end_month=1).months("2026")[0] == "2025-02"


@given(CALENDARS, MOMENTS)
def test_the_period_before_ends_where_a_period_begins(calendar: Calendar, moment: datetime) -> None:
    month = calendar.period_of(moment)
    for period in (month, month[:4]):
        assert calendar.span(calendar.previous(period)).end == calendar.span(period).start


def test_there_is_a_period_before_the_first_of_a_year_and_none_before_the_first_of_all() -> None:
    assert SHANGHAI.previous("2026-01") == "2025-12"
    assert SHANGHAI.previous("2026") == "2025"
    for first in ("0001-02", "0002", "2026-13"):
        with pytest.raises(PeriodError):
            SHANGHAI.previous(first)


def test_recent_months_begin_with_the_one_that_goes_on() -> None:
    now = datetime(2027, 1, 20, 15, tzinfo=UTC)
    assert SHANGHAI.recent(now, 3) == ["2027-01", "2026-12", "2026-11"]
    assert SHANGHAI.recent(now, 0) == []


def test_a_day_ends_at_local_midnight() -> None:
    assert SHANGHAI.midnight(date(2026, 11, 25)) == datetime(2026, 11, 24, 16, tzinfo=UTC)
    assert SHANGHAI.local_date(datetime(2026, 11, 24, 16, tzinfo=UTC)) == date(2026, 11, 25)


@given(st.integers(2, 9000), st.integers(1, 12), st.integers(1, 12))
def test_a_month_belongs_to_the_year_that_consists_of_it(year: int, month: int, year_end: int) -> None:
    calendar = Calendar(ZoneInfo("Asia/Shanghai"), year_end_month=year_end)
    name = f"{year:04d}-{month:02d}"
    assert name in calendar.months(calendar.year_of(name))
