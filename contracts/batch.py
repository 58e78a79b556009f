"""What the internal hops carry: batches of records, in MessagePack, one AMQP message each. Source: design section 3.

    gateway -> ledger    Intake: Admitted and Refused records
    ledger  -> router    Dispatch: Outbound messages, receipts among them
    router  -> ledger    Report: Dispatched and Parked records

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
    one that it led to then. An answer has neither: its query says where it goes. ``submitter`` is the account, or
    ``administrator``.
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


class Refused(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="refused"):
    """A message that the gateway did not let in, without its payload.

    ``id`` names the refusal. ``message_id`` and ``sender`` are None where the message did not say them in a readable
    way.
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


class Outbound(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="outbound"):
    """A message on its way to an inbox. ``entry`` is the ledger's index of its admission; None on what the exchange
    itself sends.
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


class Dispatched(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="dispatched"):
    """The broker confirmed the message into the inbox of ``recipient``; ``address`` is the current one it was resolved
    to.
    """

    id: UUID
    address: str
    recipient: str


class Parked(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="parked"):
    """The message could not be placed, and waits in the parking queue."""

    id: UUID
    reason: str


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


class ParkedMessage(msgspec.Struct, frozen=True, array_like=True, tag_field="form", tag="parked-message"):
    """What lies in the parking queue: one message and why it could not be placed."""

    message: Outbound
    reason: str
    version: int = VERSION


_ENCODER = msgspec.msgpack.Encoder(uuid_format="bytes")
_B = TypeVar("_B", Intake | Report, Dispatch, ParkedMessage)


def encode(batch: Intake | Dispatch | Report | ParkedMessage) -> bytes:
    """A batch as the body of an AMQP message."""
    return _ENCODER.encode(batch)


def decode_ledger_batch(body: bytes) -> Intake | Report:
    """What lies in the ledger queue. Raises BatchError."""
    return _decode(_LEDGER, body)


def decode_dispatch(body: bytes) -> Dispatch:
    """What lies in the dispatch queue. Raises BatchError."""
    return _decode(_DISPATCH, body)


def decode_parked(body: bytes) -> ParkedMessage:
    """What lies in the parking queue. Raises BatchError."""
    return _decode(_PARKED, body)


_LEDGER: "msgspec.msgpack.Decoder[Intake | Report]" = msgspec.msgpack.Decoder(Intake | Report)
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
