"""What the verifier remembers of messages, duties and cohorts."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol
from uuid import UUID

from contracts.leaf import Totals

ROLES = ("recipient", "sender")


@dataclass(slots=True)
class Message:
    """A message that was accepted. ``duties`` counts how often it was dispatched, ``running`` is whether the last of
    these is still going on, ``over`` whether nothing more can begin.
    """

    type: str
    origin: str
    kind: str | None
    correlation_id: UUID | None
    duties: int = 0
    running: bool = False
    over: bool = False


class DutyKey(NamedTuple):
    """One recipient's time with a query."""

    message: UUID
    number: int


@dataclass(slots=True)
class Duty:
    """The duty's cohort, when it began and how it ended; times in microseconds since 1970."""

    origin: str
    address: str
    tier: str
    kind: str
    period: str
    began_at: int
    ended_at: int | None = None
    ended_as: str | None = None
    on_time: bool = False
    on_time_original: bool = False
    substantive: bool = False

    @property
    def cohort(self) -> tuple[str, str, str, str, str]:
        """What an entry about this duty has to repeat."""
        return self.origin, self.address, self.tier, self.kind, self.period


class CohortKey(NamedTuple):
    """Whose totals, over which tier and in which month. ``role`` is ``recipient`` or ``sender``."""

    role: str
    address: str
    tier: str
    period: str


@dataclass(slots=True)
class Cohort:
    """``counted`` by the verifier from the duties, ``stated`` by the newest leaf that moved the cohort."""

    counted: Totals = field(default_factory=Totals)
    stated: Totals = field(default_factory=Totals)


class Memory(Protocol):
    """What ``Replay`` looks things up in and writes to. Absent is what the log has not spoken of yet."""

    messages: dict[UUID, Message]
    duties: dict[DutyKey, Duty]
    cohorts: dict[CohortKey, Cohort]
    closed: dict[str, int]

    def number(self, sender: str, number: int, message: UUID | None, entry: int) -> None:
        """A sender gave one of its messages this number."""
        ...

    def newest_of(self, period: str) -> int | None:
        """When the newest query of a month was received; None where there is none."""
        ...

    def closing_lines(self, period: str, as_of: int) -> tuple[bytes, ...]:
        """The table of cohorts of a month as of a moment, counted from the duties."""
        ...
