"""Working days: the arrangements of the State Council's office, and what holds where there is none yet."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.working_days import is_arranged, is_working_day, working_days_after

DAYS = st.dates(date(2001, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 11, 24),
        date(2026, 2, 14),  # A Saturday, worked for 春节.
        date(2026, 2, 28),  # The same.
        date(2026, 9, 20),  # A Sunday, worked for 国庆.
        date(2026, 10, 10),  # The same.
        date(2024, 2, 18),  # A Sunday, worked for 春节.
        date(2011, 12, 31),  # Worked for 元旦 of the year after.
        date(2024, 2, 29),
    ],
)
def test_offices_work_on_workdays_and_on_weekends_that_are_arranged_so(day: date) -> None:
    assert is_working_day(day)


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 11, 22),
        date(2026, 1, 2),  # A Friday, between 元旦 and its weekend.
        date(2026, 2, 23),  # The last day of 春节.
        date(2026, 10, 1),
        date(2026, 10, 7),
        date(2018, 12, 31),  # Off for 元旦 of the year after.
        date(2020, 1, 31),  # 春节 was prolonged.
    ],
)
def test_offices_rest_on_weekends_and_on_holidays(day: date) -> None:
    assert not is_working_day(day)


def test_a_year_without_an_arrangement_has_its_statutory_holidays_and_no_worked_weekend() -> None:
    # 2099: far enough that no release of the package will have its arrangement while this test is read.
    assert not is_arranged(2099)
    new_year, national = date(2099, 1, 1), [date(2099, 10, day) for day in (1, 2, 3)]
    assert not any(map(is_working_day, [new_year, *national]))
    days = [date(2099, 1, 1) + timedelta(days=number) for number in range(365)]
    assert not any(is_working_day(day) for day in days if day.weekday() >= 5)


def test_of_years_that_were_published_the_arrangement_is_known() -> None:
    assert all(is_arranged(year) for year in range(2001, 2027))


@pytest.mark.parametrize(
    ("day", "count", "then"),
    [
        (date(2026, 11, 24), 0, date(2026, 11, 24)),
        (date(2026, 11, 24), 1, date(2026, 11, 25)),
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 1, date(2026, 11, 30)),
        (date(2025, 12, 31), 1, date(2026, 1, 4)),  # A worked Sunday behind 元旦.
        (date(2024, 12, 31), 1, date(2025, 1, 2)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),  # 春节: a worked Saturday, nine days off,
        (date(2026, 2, 13), 2, date(2026, 2, 24)),
        (date(2026, 2, 13), 6, date(2026, 2, 28)),  # and another worked Saturday.
        (date(2026, 9, 18), 1, date(2026, 9, 20)),  # 国庆: a worked Sunday before it,
        (date(2026, 9, 30), 1, date(2026, 10, 8)),  # the week off,
        (date(2026, 9, 30), 3, date(2026, 10, 10)),  # and a worked Saturday behind it.
        (date(2024, 2, 28), 1, date(2024, 2, 29)),
        (date(2024, 2, 28), 2, date(2024, 3, 1)),
    ],
)
def test_the_day_itself_does_not_count(day: date, count: int, then: date) -> None:
    assert working_days_after(day, count) == then


@given(DAYS, st.integers(1, 40))
def test_between_a_day_and_the_last_counted_one_lie_as_many_working_days_as_asked(day: date, count: int) -> None:
    last = working_days_after(day, count)
    between = [day + timedelta(days=number) for number in range(1, (last - day).days + 1)]
    assert sum(map(is_working_day, between)) == count
    assert is_working_day(last)
