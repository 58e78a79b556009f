"""What the ledger deals in: the state of a message, entries, counters, receipts, and a decision that gathers them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from contracts.batch import Outbound, Refused
from contracts.envelope import MessageType
from services.ledger.transitions import Event, State


@dataclass(slots=True)
class MessageState:
    """One message as the ledger knows it; ``decide`` changes it in place. Columns of table ``message``."""

    id: UUID
    type: MessageType
    kind: str | None
    sender: str
    submitter: str
    origin: str
    written_to: str | None
    address: str
    recipient: str | None
    tier: str
    due: date | None
    correlation_id: UUID | None
    outcome: str | None
    answer_id: UUID | None
    on_time: bool | None
    state: State
    parked_reason: str | None
    batch: UUID
    salt: bytes
    commitment: bytes
    arrived_at: datetime
    accepted_at: datetime
    accepted_entry: int
    dispatched_at: datetime | None
    closed_at: datetime | None
    period: str | None


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry about to be appended. ``data`` is JSON: everything needed to derive the state from the entries alone."""

    index: int
    at: datetime
    event: Event
    message_id: UUID | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CohortKey:
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
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class NewRefusal:
    """A refusal about to be recorded; ``entry`` is the index of its entry."""

    record: Refused
    at: datetime
    entry: int


@dataclass(slots=True)
class Receipt:
    """What one sender is told about its messages of one batch."""

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
    """What a transaction writes, and what is handed over after it."""

    entries: list[NewEntry] = field(default_factory=list)
    inserted: dict[UUID, MessageState] = field(default_factory=dict)
    updated: dict[UUID, MessageState] = field(default_factory=dict)
    moves: dict[CohortKey, Move] = field(default_factory=dict)
    refused: dict[UUID, Refused] = field(default_factory=dict)
    handovers: list[Handover] = field(default_factory=list)
