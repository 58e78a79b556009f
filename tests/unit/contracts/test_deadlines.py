"""Deadlines: by kind, urgent or not, in calendar or working days, across everything that a calendar has."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.deadlines import deadline, due_day
from contracts.kinds import DayCount, Kind, built_in_kinds
from contracts.problems import ProblemError, ProblemType

KINDS = {kind.name: kind for kind in built_in_kinds()}
ASSIST, VERIFY, NOTICE = KINDS["case.assist"], KINDS["certificate.verify"], KINDS["service.notice"]
TODAY = date(2026, 11, 24)


@pytest.mark.parametrize(
    ("kind", "urgent", "from_day", "due"),
    [
        (ASSIST, False, TODAY, date(2026, 12, 24)),
        (ASSIST, True, TODAY, date(2026, 12, 9)),
        (ASSIST, False, date(2026, 12, 10), date(2027, 1, 9)),  # Across the end of a year.
        (ASSIST, False, date(2024, 1, 31), date(2024, 3, 1)),  # Across a leap day,
        (ASSIST, False, date(2025, 1, 31), date(2025, 3, 2)),  # and where there is none.
        (ASSIST, True, date(2024, 2, 14), date(2024, 2, 29)),
        (ASSIST, True, date(2026, 9, 20), date(2026, 10, 5)),  # Calendar days go on through 国庆.
        (VERIFY, True, date(2026, 9, 25), date(2026, 10, 9)),  # 国庆: 28, 29, 30 September, 8 and 9 October.
        (VERIFY, False, date(2026, 9, 28), date(2026, 10, 23)),  # The same, with its worked Saturday.
        (VERIFY, False, date(2026, 2, 10), date(2026, 3, 9)),  # 春节, with both worked Saturdays.
        (VERIFY, True, date(2025, 12, 31), date(2026, 1, 8)),  # 元旦, with its worked Sunday.
        (VERIFY, True, date(2024, 2, 26), date(2024, 3, 4)),  # A leap day that is worked.
        (NOTICE, False, TODAY, None),
        (NOTICE, True, TODAY, None),
    ],
)
def test_a_query_is_due_by_its_kind(kind: Kind, urgent: bool, from_day: date, due: date | None) -> None:
    assert deadline(kind, urgent=urgent, from_day=from_day) == due


def test_a_kind_that_cannot_be_hurried_is_due_as_ever() -> None:
    kind = replace(ASSIST, urgent_deadline_days=None)
    assert deadline(kind, urgent=True, from_day=TODAY) == deadline(kind, urgent=False, from_day=TODAY)


@given(st.sampled_from([ASSIST, VERIFY]), st.dates(date(2001, 1, 1), date(2099, 1, 1)))
def test_an_urgent_query_is_never_due_later_and_working_days_never_end_sooner(kind: Kind, day: date) -> None:
    normal, urgent = deadline(kind, urgent=False, from_day=day), deadline(kind, urgent=True, from_day=day)
    calendar = deadline(replace(kind, day_count=DayCount.CALENDAR), urgent=False, from_day=day)
    assert normal is not None
    assert urgent is not None
    assert calendar is not None
    assert day < urgent <= normal
    assert calendar <= normal


def test_what_a_sender_asks_for_holds_from_today_to_the_deadline() -> None:
    for asked in (TODAY, date(2026, 12, 24)):
        assert due_day(ASSIST, asked, urgent=False, today=TODAY) == asked
    assert due_day(ASSIST, None, urgent=False, today=TODAY) == date(2026, 12, 24)
    assert due_day(ASSIST, date(2026, 12, 9), urgent=True, today=TODAY) == date(2026, 12, 9)
    assert due_day(NOTICE, TODAY, urgent=False, today=TODAY) is None


@pytest.mark.parametrize(
    ("asked", "urgent", "problem"),
    [
        (TODAY - timedelta(days=1), False, ProblemType.DUE_IN_THE_PAST),
        (date(2026, 12, 25), False, ProblemType.DUE_TOO_LATE),
        (date(2026, 12, 10), True, ProblemType.DUE_TOO_LATE),
    ],
)
def test_a_day_that_has_passed_or_lies_behind_the_deadline_is_a_problem(
    asked: date, urgent: bool, problem: ProblemType
) -> None:
    with pytest.raises(ProblemError) as caught:
        due_day(ASSIST, asked, urgent=urgent, today=TODAY)
    assert caught.value.problem.type is problem
