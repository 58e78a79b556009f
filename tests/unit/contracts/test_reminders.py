"""Reminders: the steps of a policy, and what a scheduler that looks at any moments makes of them."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.kinds import KindError, built_in_kinds, kind_from_definition
from contracts.period import Calendar
from contracts.reminders import (
    DEFAULT_POLICY,
    ReminderError,
    ReminderPolicy,
    ReminderStep,
    cooled_down_at,
    latest_due,
    next_at,
    policy_from_definition,
    reminder_steps,
)

CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))
DUE = date(2026, 12, 24)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
STEPS = reminder_steps(DEFAULT_POLICY, DUE, CALENDAR, since=LONG_AGO)
BEFORE, AT, AFTER_1, AFTER_7, ESCALATION = STEPS


def nine(month: int, day: int, year: int = 2026) -> datetime:
    """9 o'clock in Shanghai."""
    return datetime(year, month, day, 9, tzinfo=CALENDAR.zone)


def test_the_steps_are_in_order_at_nine_by_the_platforms_clocks() -> None:
    assert [(step.name, step.at, step.escalation) for step in STEPS] == [
        ("before-3", nine(12, 21), False),
        ("at-deadline", nine(12, 24), False),
        ("after-1", nine(12, 25), False),
        ("after-7", nine(12, 31), False),
        ("escalate-10", nine(1, 3, 2027), True),
    ]


def test_a_query_without_due_day_has_no_steps() -> None:
    assert reminder_steps(DEFAULT_POLICY, None, CALENDAR, since=LONG_AGO) == ()
    assert latest_due((), nine(12, 24)) is None
    assert next_at(()) is None


def test_nobody_is_reminded_of_what_has_just_come() -> None:
    late = reminder_steps(DEFAULT_POLICY, DUE, CALENDAR, since=nine(12, 24))
    assert [step.name for step in late] == ["after-1", "after-7", "escalate-10"]


def test_a_step_has_its_number_whatever_else_the_policy_has() -> None:
    other = reminder_steps(ReminderPolicy(after_days=(2, 7), escalate_after_days=(7,)), DUE, CALENDAR, since=LONG_AGO)
    assert [step.name for step in other] == ["after-2", "after-7", "escalate-7"]
    assert other[1].number == AFTER_7.number
    assert AFTER_1.number < other[0].number < AFTER_7.number < other[2].number < ESCALATION.number


def test_the_scheduler_is_told_when_to_look_again() -> None:
    assert next_at(STEPS) == BEFORE.at
    assert next_at(STEPS, BEFORE.number) == AT.at
    assert next_at(STEPS, ESCALATION.number) is None


def test_nothing_is_due_a_moment_too_soon() -> None:
    assert latest_due(STEPS, BEFORE.at - timedelta(microseconds=1)) is None
    assert latest_due(STEPS, BEFORE.at) == BEFORE
    assert latest_due(STEPS, BEFORE.at, BEFORE.number) is None


def test_after_a_pause_only_the_newest_reminder_is_sent() -> None:
    assert latest_due(STEPS, nine(1, 1, 2027)) == AFTER_7
    assert latest_due(STEPS, nine(1, 1, 2027), AFTER_7.number) is None


def test_an_escalation_is_not_swallowed_by_a_later_reminder() -> None:
    policy = ReminderPolicy(after_days=(1, 14), escalate_after_days=(10,))
    steps = reminder_steps(policy, DUE, CALENDAR, since=LONG_AGO)
    now = nine(2, 1, 2027)
    first = latest_due(steps, now)
    assert first is not None
    second = latest_due(steps, now, first.number)
    assert second is not None
    assert (first.name, second.name) == ("escalate-10", "after-14")
    assert latest_due(steps, now, second.number) is None


def test_a_reminder_waits_for_the_cool_down_and_an_escalation_does_not() -> None:
    by_hand = AFTER_1.at - timedelta(hours=1)
    cooled_down = cooled_down_at(DEFAULT_POLICY, by_hand)
    assert cooled_down == by_hand + timedelta(hours=24)
    assert latest_due(STEPS, AFTER_1.at, AT.number, cooled_down) is None
    assert next_at(STEPS, AT.number, cooled_down) == cooled_down
    assert latest_due(STEPS, by_hand + timedelta(hours=24), AT.number, cooled_down) == AFTER_1
    far = ESCALATION.at + timedelta(days=1)
    assert latest_due(STEPS, ESCALATION.at, AFTER_7.number, far) == ESCALATION
    assert next_at(STEPS, AFTER_7.number, far) == ESCALATION.at
    assert cooled_down_at(DEFAULT_POLICY, None) is None


DAYS = st.lists(st.integers(1, 30), max_size=4, unique=True).map(lambda days: tuple(sorted(days)))
POLICIES = st.builds(
    ReminderPolicy, DAYS, st.booleans(), DAYS, DAYS, st.integers(0, 72).map(lambda hours: timedelta(hours=hours))
)
PAUSES = st.lists(st.integers(0, 40 * 24), max_size=30)


def sent_at(
    policy: ReminderPolicy, steps: tuple[ReminderStep, ...], start: datetime, pauses: list[int]
) -> list[tuple[datetime, ReminderStep]]:
    """What a scheduler sends that looks after each pause, in hours, and then at each moment it is told."""
    sent: list[tuple[datetime, ReminderStep]] = []
    last, cooled_down, now = 0, cooled_down_at(policy, None), start

    def look() -> None:
        nonlocal last, cooled_down
        while (step := latest_due(steps, now, last, cooled_down)) is not None:
            sent.append((now, step))
            last = step.number
            cooled_down = cooled_down if step.escalation else cooled_down_at(policy, now)

    for pause in pauses:
        now += timedelta(hours=pause)
        look()
    while (then := next_at(steps, last, cooled_down)) is not None:
        now = max(now, then)
        look()
    return sent


@given(POLICIES, PAUSES)
def test_no_step_is_sent_twice_and_none_after_a_later_one(policy: ReminderPolicy, pauses: list[int]) -> None:
    steps = reminder_steps(policy, DUE, CALENDAR, since=LONG_AGO)
    numbers = [step.number for _, step in sent_at(policy, steps, nine(11, 20), pauses)]
    assert all(a < b for a, b in pairwise(numbers))
    assert all(a.at <= b.at and a.number < b.number for a, b in pairwise(steps))


@given(POLICIES, PAUSES)
def test_a_pause_leads_to_one_reminder_and_one_escalation_at_most(policy: ReminderPolicy, pauses: list[int]) -> None:
    steps = reminder_steps(policy, DUE, CALENDAR, since=LONG_AGO)
    sent = sent_at(policy, steps, nine(11, 20), pauses)
    for moment in {moment for moment, _ in sent}:
        at_once = [step.escalation for when, step in sent if when == moment]
        assert at_once in ([True], [False], [True, False])
    reminders = [moment for moment, step in sent if not step.escalation]
    assert all(b - a >= policy.cooldown for a, b in pairwise(reminders))


@given(POLICIES, PAUSES)
def test_the_last_escalation_is_always_sent(policy: ReminderPolicy, pauses: list[int]) -> None:
    steps = reminder_steps(policy, DUE, CALENDAR, since=LONG_AGO)
    sent = [step for _, step in sent_at(policy, steps, nine(11, 20), pauses)]
    assert [step for step in steps if step.escalation][-1:] == [step for step in sent if step.escalation][-1:]


@given(POLICIES, st.integers(0, 1500), st.none() | st.integers(-100, 100))
def test_something_is_due_exactly_from_the_moment_that_was_told(
    policy: ReminderPolicy, last: int, cooling_hours: int | None
) -> None:
    steps = reminder_steps(policy, DUE, CALENDAR, since=LONG_AGO)
    cooled_down = nine(12, 24) + timedelta(hours=cooling_hours) if cooling_hours is not None else None
    then = next_at(steps, last, cooled_down)
    if then is None:
        assert latest_due(steps, nine(1, 1, 2100), last, cooled_down) is None
        return
    assert latest_due(steps, then, last, cooled_down) is not None
    assert latest_due(steps, then - timedelta(microseconds=1), last, cooled_down) is None


@given(POLICIES)
def test_a_policy_survives_being_stored(policy: ReminderPolicy) -> None:
    assert policy_from_definition(policy.definition()) == policy


def test_what_a_policy_leaves_out_does_not_happen() -> None:
    assert policy_from_definition({}) == ReminderPolicy()
    assert reminder_steps(ReminderPolicy(), DUE, CALENDAR, since=LONG_AGO) == ()
    assert policy_from_definition({"after_days": [7, 1]}).after_days == (1, 7)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "mapping with the members before_days"),
        ({"before": [3]}, "mapping with the members before_days"),
        ({"before_days": 3}, "before_days is a list"),
        ({"before_days": [0]}, "before_days is a list"),
        ({"after_days": [366]}, "after_days is a list"),
        ({"after_days": [1, 1]}, "different"),
        ({"after_days": [True]}, "after_days is a list"),
        ({"after_days": [[1]]}, "after_days is a list"),
        ({"escalate_after_days": list(range(1, 12))}, "at most 10"),
        ({"at_deadline": "yes"}, "at_deadline is true or false"),
        ({"cooldown_hours": -1}, "cooldown_hours"),
        ({"cooldown_hours": 1.5}, "cooldown_hours"),
        ({"cooldown_hours": 10**9}, "cooldown_hours"),
    ],
)
def test_a_policy_that_is_none_says_what_is_wrong(document: object, says: str) -> None:
    with pytest.raises(ReminderError, match=says):
        policy_from_definition(document)


def test_a_kind_has_the_default_policy_or_its_own_or_none() -> None:
    kinds = {kind.name: kind for kind in built_in_kinds()}
    definition = kinds["case.assist"].definition()
    assert kinds["case.assist"].reminders == DEFAULT_POLICY
    assert kinds["service.notice"].reminders == ReminderPolicy()
    assert kind_from_definition({**definition, "reminders": None}).reminders == DEFAULT_POLICY
    own = kind_from_definition({**definition, "reminders": {"after_days": [2]}})
    assert own.reminders == ReminderPolicy(after_days=(2,))
    assert kind_from_definition(own.definition()) == own
    with pytest.raises(KindError, match=r"case.assist: reminders: after_days is a list"):
        kind_from_definition({**definition, "reminders": {"after_days": 2}})
    with pytest.raises(KindError, match="reminders is left out"):
        kind_from_definition({**kinds["service.notice"].definition(), "reminders": {}})
