"""Reminders: when a query that is not answered yet is reminded of, and when the next jurisdiction up is told.

A kind's policy and a query's due day make its steps, in order of time, with ascending numbers. The number of the last
step that was sent is all that a scheduler has to remember, beside the time of the last reminder; what was left out on
the way is never made up for. A query that gets another due day, by an extension, has its steps anew: none of them is
sent yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from contracts.period import Calendar

REMINDER_TIME = time(9)
"""When reminders go out, by the platform's clocks: at the beginning of a day's work, also of the due day itself."""

_MEMBERS = ("before_days", "at_deadline", "after_days", "escalate_after_days", "cooldown_hours")
_MOST_DAYS = 365
_MOST_STEPS = 10
_LONGEST_COOLDOWN_HOURS = 24 * 30


class ReminderError(ValueError):
    """A reminder policy that does not say what a policy must say."""


@dataclass(frozen=True, slots=True)
class ReminderPolicy:
    """How a kind reminds. All days are calendar days from the due day, distinct and in ascending order.

    ``cooldown``: how long after a reminder, also one by hand, the next one waits. Escalations go to somebody else and
    do not wait.
    """

    before_days: tuple[int, ...] = ()
    at_deadline: bool = False
    after_days: tuple[int, ...] = ()
    escalate_after_days: tuple[int, ...] = ()
    cooldown: timedelta = timedelta(hours=24)

    def definition(self) -> dict[str, Any]:
        """The policy as a kind's document says it."""
        return {
            "before_days": list(self.before_days),
            "at_deadline": self.at_deadline,
            "after_days": list(self.after_days),
            "escalate_after_days": list(self.escalate_after_days),
            "cooldown_hours": int(self.cooldown / timedelta(hours=1)),
        }


DEFAULT_POLICY = ReminderPolicy(before_days=(3,), at_deadline=True, after_days=(1, 7), escalate_after_days=(10,))
"""What holds for a kind whose document says nothing of reminders."""


@dataclass(frozen=True, slots=True)
class ReminderStep:
    """One thing to be sent: a reminder to who owes the answer, or an escalation to the next jurisdiction up.

    ``number`` is above 0, grows with time, and is the same for the same step whatever else the policy has, so that a
    policy that is replaced leaves the numbers right that were sent before.
    """

    name: str
    number: int
    at: datetime
    escalation: bool


def policy_from_definition(document: object) -> ReminderPolicy:
    """The policy that a kind's document describes; what it leaves out does not happen, and the cool-down is a day.

    Raises ReminderError.
    """
    if not isinstance(document, Mapping) or set(document) - set(_MEMBERS):
        raise ReminderError(f"a mapping with the members {', '.join(_MEMBERS)}")
    at_deadline = document.get("at_deadline", False)
    if not isinstance(at_deadline, bool):
        raise ReminderError("at_deadline is true or false")
    cooldown = document.get("cooldown_hours", 24)
    if not _is_whole_number(cooldown, 0, _LONGEST_COOLDOWN_HOURS):
        raise ReminderError(f"cooldown_hours is a whole number from 0 to {_LONGEST_COOLDOWN_HOURS}")
    return ReminderPolicy(
        before_days=_days(document, "before_days"),
        at_deadline=at_deadline,
        after_days=_days(document, "after_days"),
        escalate_after_days=_days(document, "escalate_after_days"),
        cooldown=timedelta(hours=cooldown),
    )


# The queries of one transaction share all four.
@lru_cache(maxsize=1024)
def reminder_steps(
    policy: ReminderPolicy, due: date | None, calendar: Calendar, *, since: datetime
) -> tuple[ReminderStep, ...]:
    """The steps of a query that is due on ``due``, in order of time; none without a due day.

    ``since`` is when this due day began to hold: when the query was received, or its extension agreed upon. Steps that
    would lie before it are left out, so that nobody is reminded of what has just come.
    """
    if due is None:
        return ()
    planned = [
        *((-days, False, f"before-{days}") for days in policy.before_days),
        *([(0, False, "at-deadline")] if policy.at_deadline else []),
        *((days, False, f"after-{days}") for days in policy.after_days),
        *((days, True, f"escalate-{days}") for days in policy.escalate_after_days),
    ]
    steps = (
        ReminderStep(
            name, _number(days, escalation), calendar.moment(due + timedelta(days=days), REMINDER_TIME), escalation
        )
        for days, escalation, name in sorted(planned)
    )
    return tuple(step for step in steps if step.at > since)


def latest_due(
    steps: Sequence[ReminderStep], now: datetime, last_sent: int = 0, cooled_down: datetime | None = None
) -> ReminderStep | None:
    """The step to be sent at ``now``, None where there is none. ``last_sent`` is the number of the last one sent.

    Of what is due only the newest is sent. An escalation among it comes first, and a reminder behind that one with the
    next call, so that after a pause of any length one escalation and one reminder go out at most. ``cooled_down`` is
    the end of the cool-down (``cooled_down_at``); until then no reminder is sent.
    """
    due = [step for step in steps if step.number > last_sent and step.at <= now]
    escalations = [step for step in due if step.escalation]
    if escalations:
        return escalations[-1]
    cooling = cooled_down is not None and now < cooled_down
    return due[-1] if due and not cooling else None


def next_at(steps: Sequence[ReminderStep], last_sent: int = 0, cooled_down: datetime | None = None) -> datetime | None:
    """The first moment at which ``latest_due`` has a step, which may have passed; None where there is none left."""
    return min(
        (
            step.at if step.escalation or cooled_down is None else max(step.at, cooled_down)
            for step in steps
            if step.number > last_sent
        ),
        default=None,
    )


def cooled_down_at(policy: ReminderPolicy, last_reminder: datetime | None) -> datetime | None:
    """When a query may be reminded of again, None for at once. ``last_reminder`` is the last one of the recipient,
    by hand or not; escalations do not count.
    """
    return last_reminder + policy.cooldown if last_reminder is not None else None


def _number(days: int, escalation: bool) -> int:
    # On one day the reminder comes before the escalation.
    return 2 * (days + _MOST_DAYS + 1) + escalation


def _days(document: Mapping[str, Any], member: str) -> tuple[int, ...]:
    days = document.get(member, [])
    if (
        not isinstance(days, list)
        or len(days) > _MOST_STEPS
        or not all(_is_whole_number(number, 1, _MOST_DAYS) for number in days)
        or len(set(days)) < len(days)
    ):
        raise ReminderError(
            f"{member} is a list of at most {_MOST_STEPS} different whole numbers from 1 to {_MOST_DAYS}"
        )
    return tuple(sorted(days))


def _is_whole_number(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
