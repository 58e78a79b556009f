"""What the ledger deals in: the state of a message, entries, counters, receipts, and a decision that gathers them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from contracts.batch import Outbound, Refused
from contracts.envelope import MessageType
from services.ledger.transitions import Event, State


class MessageState(msgspec.Struct):
    """One message as the ledger knows it; ``decide`` changes it in place. Columns of table ``message``.

    A struct, as are the entries, since every message and entry is one: a dataclass takes several times as long to make.

    A query's ``duty`` counts its recipients from 0: each forward begins another one. What belongs to a duty
    (``address`` to ``period``, and ``taken_at``) is the present one's; those before are in table ``past_duty``.
    """

    id: UUID
    type: MessageType
    kind: str | None
    sender: str
    submitter: str
    origin: str
    written_to: str | None
    correlation_id: UUID | None
    batch: UUID
    salt: bytes | None
    commitment: bytes
    arrived_at: datetime
    accepted_at: datetime
    accepted_entry: int
    original_due: date | None
    # What stands above never changes, what stands below does: ``CHANGING`` begins here.
    state: State
    address: str
    tier: str
    due: date | None
    taken_at: datetime
    recipient: str | None = None
    dispatched_at: datetime | None = None
    acknowledged_at: datetime | None = None
    period: str | None = None
    parked_reason: str | None = None
    duty: int = 0
    forwards: int = 0
    holders: list[str] = []
    forward_id: UUID | None = None
    proposed_due: date | None = None
    outcome: str | None = None
    reason_code: str | None = None
    answer_id: UUID | None = None
    on_time: bool | None = None
    on_time_original: bool | None = None
    closed_at: datetime | None = None
    timely: bool | None = None
    useful: bool | None = None
    remind_at: datetime | None = None
    reminded: int = 0
    reminded_at: datetime | None = None
    reminder_batch: UUID | None = None


COLUMNS = MessageState.__struct_fields__
CHANGING = COLUMNS[COLUMNS.index("state") :]
"""The columns that a transition may change."""


@dataclass(frozen=True, slots=True)
class PastDuty:
    """A recipient's time with a query, ended because the query went on to another one. Columns of ``past_duty``."""

    query_id: UUID
    number: int
    sender: str
    origin: str
    address: str
    recipient: str
    tier: str
    kind: str
    period: str
    due: date | None
    original_due: date | None
    taken_at: datetime
    received_at: datetime
    acknowledged_at: datetime | None
    ended_at: datetime


class CohortKey(NamedTuple):
    """Which cohort a counter belongs to, and from which role it is seen."""

    role: str
    address: str
    tier: str
    kind: str
    period: str


@dataclass(slots=True)
class Move:
    """By how much the counters of a cohort change."""

    received: int = 0
    answered: int = 0
    on_time: int = 0
    on_time_original: int = 0
    substantive: int = 0
    unanswered: int = 0
    withdrawn: int = 0
    forwarded: int = 0


class CohortMove(NamedTuple):
    """Which two cohorts an entry moves, its recipient's and its sender's, and by how much which counters of each."""

    recipient: CohortKey
    sender: CohortKey
    by: Mapping[str, int]


class NewEntry(msgspec.Struct, frozen=True):
    """An entry about to be appended. ``data`` is said in JSON: all that is needed to derive the state from the entries
    alone.

    ``move`` is what it counts, None where it counts nothing.
    """

    index: int
    at: datetime
    event: Event
    message_id: UUID | None
    data: Mapping[str, Any]
    move: CohortMove | None = None


class SealedEntry(msgspec.Struct, frozen=True):
    """An entry as it stands in the log: its data is complete, in canonical JSON, and ``leaf_hash`` commits to all of
    it.
    """

    index: int
    at: datetime
    event: Event
    message_id: UUID | None
    data: bytes
    leaf_hash: bytes


@dataclass(slots=True)
class MovedCohort:
    """By how much a transaction moves a cohort in all, and the newest entry that does."""

    entry: int
    by: Move = field(default_factory=Move)

    def move(self, entry: int, by: Mapping[str, int]) -> None:
        """``entry`` moves it, too."""
        self.entry = entry
        for name, count in by.items():
            setattr(self.by, name, getattr(self.by, name) + count)


@dataclass(frozen=True, slots=True)
class NewClosing:
    """The figures of a month, about to be fixed as they stood at ``as_of``; ``entry`` is the index of its entry."""

    period: str
    as_of: datetime
    by: str
    at: datetime
    entry: int


@dataclass(frozen=True, slots=True)
class NewRefusal:
    """A refusal about to be recorded; ``entry`` is the index of its entry."""

    record: Refused
    at: datetime
    entry: int


@dataclass(slots=True)
class Receipt:
    """What one sender is told about its messages of one batch. ``accepted`` names the entries; their leaf hashes are
    known once they are on the log.
    """

    batch: UUID
    sender: str
    accepted: list[tuple[UUID, int]] = field(default_factory=list)
    duplicate: list[UUID] = field(default_factory=list)
    refused: list[tuple[UUID | None, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Handover:
    """What goes to the router once the batch is committed."""

    batch: UUID
    messages: list[Outbound] = field(default_factory=list)
    receipts: dict[str, Receipt] = field(default_factory=dict)

    def receipt(self, sender: str) -> Receipt:
        """The receipt of ``sender``, begun if there is none."""
        return self.receipts.setdefault(sender, Receipt(self.batch, sender))


@dataclass(slots=True)
class Decision:
    """What a transaction writes, and what is handed over after it.

    ``leaf_hashes`` has, once the entries are written, theirs and those of all earlier ones that the receipts name.
    """

    entries: list[NewEntry] = field(default_factory=list)
    inserted: dict[UUID, MessageState] = field(default_factory=dict)
    updated: dict[UUID, MessageState] = field(default_factory=dict)
    past_duties: list[PastDuty] = field(default_factory=list)
    moves: dict[CohortKey, MovedCohort] = field(default_factory=dict)
    closings: list[NewClosing] = field(default_factory=list)
    refused: dict[UUID, Refused] = field(default_factory=dict)
    handovers: list[Handover] = field(default_factory=list)
    leaf_hashes: dict[int, bytes] = field(default_factory=dict)

    def receipts(self) -> Iterator[Receipt]:
        """The receipts of all batches."""
        for handover in self.handovers:
            yield from handover.receipts.values()
