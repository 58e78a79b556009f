"""In which circumstances a decision is taken: the moment, the log, and what the registry says."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime

from contracts.kinds import Kind
from contracts.period import Calendar
from contracts.reminders import ReminderStep, steps


@dataclass(frozen=True, slots=True)
class Setting:
    """``at`` and ``size`` are the head of the log. ``asked`` names the participant that an address leads to, None if
    there is none; ``kind`` finds a kind by its name; ``closed`` are the months whose figures are fixed.
    """

    at: datetime
    size: int
    calendar: Calendar
    asked: Callable[[str], str | None]
    new_salt: Callable[[], bytes]
    kind: Callable[[str], Kind | None] = lambda _name: None
    closed: Collection[str] = ()

    def today(self) -> date:
        """The platform's date."""
        return self.calendar.local_date(self.at)

    def reminders(self, kind: str | None, due: date | None) -> tuple[ReminderStep, ...]:
        """When a recipient of a query of ``kind`` is reminded; never where nothing is due."""
        known = self.kind(kind or "")
        if known is None or due is None:
            return ()
        return steps(known.reminders, due, self.calendar)
