"""In which circumstances a decision is taken: the moment, the log, and what the registry says."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime

from contracts.kinds import Kind
from contracts.period import Calendar
from contracts.reminders import DEFAULT_POLICY, ReminderPolicy


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

    def policy(self, kind: str | None) -> ReminderPolicy:
        """How recipients of queries of ``kind`` are reminded."""
        known = self.kind(kind or "")
        return known.reminders if known is not None else DEFAULT_POLICY
