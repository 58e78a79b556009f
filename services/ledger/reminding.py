"""Which reminders a query's recipient is still to get, from its dates and its kind's policy."""

from datetime import datetime

from contracts.reminders import ReminderStep, cooled_down_at, latest_due, next_at, reminder_steps
from services.ledger.records import MessageState
from services.ledger.setting import Setting


def begin(setting: Setting, query: MessageState) -> None:
    """Begin the reminders of a duty, or begin them anew when its date has changed: only what lies ahead counts."""
    ahead = [step for step in _steps(setting, query) if step.at > setting.at]
    query.reminded = ahead[0].number - 1 if ahead else query.reminded
    query.remind_at = ahead[0].at if ahead else None


def due_step(setting: Setting, query: MessageState) -> ReminderStep | None:
    """The step that is to be taken now, None where there is none."""
    return latest_due(_steps(setting, query), setting.at, query.reminded, cooled_down(setting, query))


def step_taken(setting: Setting, query: MessageState) -> ReminderStep | None:
    """The step that was taken last."""
    return next((step for step in _steps(setting, query) if step.number == query.reminded), None)


def look_again_at(setting: Setting, query: MessageState) -> datetime | None:
    """When the next step is to be taken, None where none is left."""
    return next_at(_steps(setting, query), query.reminded, cooled_down(setting, query))


def cooled_down(setting: Setting, query: MessageState) -> datetime | None:
    """When the recipient may be reminded again, None for at once."""
    return cooled_down_at(setting.policy(query.kind), query.reminded_at)


def _steps(setting: Setting, query: MessageState) -> tuple[ReminderStep, ...]:
    since = query.dispatched_at or setting.at
    return reminder_steps(setting.policy(query.kind), query.due, setting.calendar, since=since)
