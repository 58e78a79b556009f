"""What the internal hops carry: batches of records, in MessagePack, one AMQP message each. Source: design section 3.

    gateway -> ledger    Intake: Admitted and Refused records
    ledger  -> router    Dispatch: Outbound messages, receipts and reminders among them
    router  -> ledger    Report: Dispatched and Parked records
    ledger  -> ledger    Orders: what is to be done at its time, by its scheduler or an administrator

A batch has an id of its own: the same id coming again is the same batch redelivered.
"""

from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

import msgspec

VERSION = 1
"""Raised when a record changes in a way that an older service cannot read."""


class BatchError(ValueError):
    """Bytes that are not a batch of this version."""


class Admitted(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="admitted"):
    """A message that the gateway let in.

    ``origin`` is the address it is from, ``written_to`` the address as its sender wrote it, ``address`` the current
    one that it led to then. What is about a query has neither, but for a forward: the query says where it goes.
    ``submitter`` is the account, or ``administrator``; ``sequence`` the sender's own number of the message, where it
    numbers them.
    """

    id: UUID
    type: str
    sender: str
    submitter: str
    origin: str
    content_type: str
    digest: bytes
    arrived_at: datetime
    payload: bytes
    kind: str | None = None
    written_to: str | None = None
    address: str | None = None
    due: date | None = None
    correlation_id: UUID | None = None
    outcome: str | None = None
    reason: str | None = None
    traceparent: str | None = None
    urgent: bool = False
    timely: bool | None = None
    useful: bool | None = None
    sequence: int | None = None


class Refused(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="refused"):
    """A message that the gateway did not let in, without its payload.

    ``id`` names the refusal. ``message_id``, ``sender`` and ``sequence`` are None where the message did not say them in
    a readable way.
    """

    id: UUID
    problem: str
    detail: str
    door: str
    arrived_at: datetime
    payload_bytes: int
    message_id: UUID | None = None
    sender: str | None = None
    type: str | None = None
    sequence: int | None = None


class Outbound(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="outbound"):
    """A message on its way to an inbox. ``entry`` is the ledger's index of its admission; None on what the exchange
    itself sends. ``duty`` numbers the recipients of a query: each forward begins another one. ``more`` are further
    headers of the inbox message.
    """

    id: UUID
    type: str
    address: str
    origin: str | None
    content_type: str
    payload: bytes
    received_at: datetime
    entry: int | None = None
    kind: str | None = None
    tier: str | None = None
    written_to: str | None = None
    due: date | None = None
    correlation_id: UUID | None = None
    outcome: str | None = None
    reason: str | None = None
    traceparent: str | None = None
    duty: int = 0
    more: dict[str, str] = {}


class Dispatched(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="dispatched"):
    """The broker confirmed the message into the inbox of ``recipient``; ``address`` is the current one it was resolved
    to.
    """

    id: UUID
    address: str
    recipient: str
    duty: int = 0


class Parked(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="parked"):
    """The message could not be placed, and waits in the parking queue."""

    id: UUID
    reason: str
    duty: int = 0


class Remind(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="remind"):
    """The recipient of query ``id`` is to be reminded: of what is due by the kind's policy, or, with a reason, by hand.

    ``by`` is who asks for it by hand, None for the scheduler.
    """

    id: UUID
    by: str | None = None
    reason: str | None = None


class PassOn(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="pass-on"):
    """Query ``id`` lies open at ``address``, which is retired; ``successor`` is who answers in its place."""

    id: UUID
    address: str
    successor: str


class ClosePeriod(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="close-period"):
    """The figures of a month are to be fixed; a year is closed with its months. ``id`` names the order."""

    id: UUID
    period: str
    by: str


Order = Remind | PassOn | ClosePeriod


class Intake(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="intake"):
    """From a gateway: what arrived, in order."""

    id: UUID
    records: list[Admitted | Refused]
    version: int = VERSION


class Dispatch(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="dispatch"):
    """From the ledger: what is to be placed, in ledger order."""

    id: UUID
    messages: list[Outbound]
    version: int = VERSION


class Report(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="report"):
    """From a router: what became of dispatched messages."""

    id: UUID
    records: list[Dispatched | Parked]
    version: int = VERSION


class Orders(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="orders"):
    """To the ledger: what is to be done now. An order whose time is over when it is taken does nothing."""

    id: UUID
    records: list[Remind | PassOn | ClosePeriod]
    version: int = VERSION


LedgerBatch = Intake | Report | Orders


class ParkedMessage(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="parked-message"):
    """What lies in the parking queue: one message and why it could not be placed."""

    message: Outbound
    reason: str
    version: int = VERSION


_ENCODER = msgspec.msgpack.Encoder(uuid_format="bytes")
_B = TypeVar("_B", Intake | Report | Orders, Dispatch, ParkedMessage)


def encode(batch: Intake | Dispatch | Report | Orders | ParkedMessage) -> bytes:
    """A batch as the body of an AMQP message."""
    return _ENCODER.encode(batch)


def decode_ledger_batch(body: bytes) -> LedgerBatch:
    """What lies in the ledger's queues. Raises BatchError."""
    return _decode(_LEDGER, body)


def decode_dispatch(body: bytes) -> Dispatch:
    """What lies in the dispatch queue. Raises BatchError."""
    return _decode(_DISPATCH, body)


def decode_parked(body: bytes) -> ParkedMessage:
    """What lies in the parking queue. Raises BatchError."""
    return _decode(_PARKED, body)


_LEDGER: "msgspec.msgpack.Decoder[LedgerBatch]" = msgspec.msgpack.Decoder(LedgerBatch)
_DISPATCH = msgspec.msgpack.Decoder(Dispatch)
_PARKED = msgspec.msgpack.Decoder(ParkedMessage)


def _decode(decoder: "msgspec.msgpack.Decoder[_B]", body: bytes) -> _B:
    try:
        batch = decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BatchError("the body is not a batch of the exchange") from error
    if batch.version != VERSION:
        raise BatchError(f"the batch has version {batch.version}, this service reads {VERSION}")
    return batch
