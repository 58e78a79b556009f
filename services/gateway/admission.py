"""Admission: whether a message is let in, decided without I/O from what arrived and a snapshot of the registry."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from contracts.addresses import Address
from contracts.batch import Admitted, Refused
from contracts.deadlines import due_day
from contracts.envelope import (
    Envelope,
    MessageType,
    Urgency,
    content_digest,
    message_id_of,
    read_envelope,
    sequence_of,
    type_of,
)
from contracts.kinds import ANSWER_SCHEMA, Kind, PayloadSchema
from contracts.payloads import read_payload
from contracts.period import Calendar
from contracts.problems import Problem, ProblemError, ProblemType, echo
from services.registry.snapshot import Snapshot

_ANSWER_SCHEMA = PayloadSchema(ANSWER_SCHEMA)
# A forward carries its query's payload. Which kind that is of, the ledger knows; the forwarder vouches for it.
_FORWARD_SCHEMA = PayloadSchema({"type": "object"})
_REFUSAL_NAMESPACE = UUID("9b0f6d6c-0b1c-5a2e-8f55-2a3c8a1d7e10")


_OF_THE_REGISTRY = {
    problem.slug
    for problem in (
        ProblemType.UNKNOWN_SENDER,
        ProblemType.SENDER_DISABLED,
        ProblemType.OUTSIDE_TERRITORY,
        ProblemType.UNKNOWN_KIND,
        ProblemType.UNKNOWN_ADDRESS,
    )
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """What came in at a door: the contract's names with the values as received, and the payload's bytes.

    ``account`` is who the door says has sent it, None where it cannot say; ``submitter`` is that account or
    ``administrator``.
    """

    door: Literal["amqp", "http"]
    account: str | None
    submitter: str
    fields: Mapping[str, object]
    payload: bytes
    arrived_at: datetime


def admit(incoming: Incoming, snapshot: Snapshot, calendar: Calendar) -> Admitted | Refused:
    """``incoming`` as a record for the ledger: admitted, or refused with the first reason against it."""
    try:
        sender = _sender(incoming, snapshot)
        envelope = read_envelope(incoming.fields)
        return _admit(incoming, sender, envelope, snapshot, calendar)
    except ProblemError as error:
        return refuse(incoming, error.problem)


def may_be_out_of_date(record: Admitted | Refused) -> bool:
    """Whether a snapshot that is a second old may be to blame for a refusal, so that a fresh one is to decide."""
    return isinstance(record, Refused) and record.problem in _OF_THE_REGISTRY


def refuse(incoming: Incoming, problem: Problem) -> Refused:
    """``incoming`` refused for ``problem``: the same message refused again for the same reason has the same id."""
    message_id, sequence = message_id_of(incoming.fields), sequence_of(incoming.fields)
    return Refused(
        id=_refusal_id(incoming.account, message_id, sequence, problem),
        problem=problem.type.slug,
        detail=problem.detail,
        door=incoming.door,
        arrived_at=incoming.arrived_at,
        payload_bytes=len(incoming.payload),
        message_id=message_id,
        sender=incoming.account,
        type=type_of(incoming.fields),
        sequence=sequence,
    )


def _refusal_id(account: str | None, message_id: UUID | None, sequence: int | None, problem: Problem) -> UUID:
    # A message without an id cannot be told from another one without an id, so each counts.
    if account is None or message_id is None:
        return uuid.uuid4()
    # A number that the sender used is on the ledger, whatever became of the message.
    numbered = "" if sequence is None else f" {sequence}"
    return uuid.uuid5(_REFUSAL_NAMESPACE, f"{account} {message_id} {problem.type.slug} {problem.detail}{numbered}")


def _sender(incoming: Incoming, snapshot: Snapshot) -> str:
    account = incoming.account
    if account is None:
        raise ProblemError(ProblemType.MISSING_USER_ID, "set the property user_id to your account")
    participant = snapshot.participants.get(account)
    if participant is None:
        raise ProblemError(ProblemType.UNKNOWN_SENDER, f"{echo(account)} is not a participant of this platform")
    if not participant.active:
        raise ProblemError(ProblemType.SENDER_DISABLED, f"participant {account} is disabled; ask the platform")
    return account


def _admit(incoming: Incoming, sender: str, envelope: Envelope, snapshot: Snapshot, calendar: Calendar) -> Admitted:
    origin = _origin(sender, envelope.from_, snapshot)
    kind = _kind(envelope, snapshot) if envelope.kind is not None else None
    address = _current_address(envelope.to, envelope.written, snapshot) if envelope.to is not None else None
    payload = read_payload(envelope.content_type, incoming.payload)
    payload.check(_schema(envelope, kind))
    return Admitted(
        id=envelope.id,
        type=envelope.type,
        sender=sender,
        submitter=incoming.submitter,
        origin=origin,
        content_type=envelope.content_type,
        digest=content_digest(sender, envelope, payload.canonical),
        arrived_at=incoming.arrived_at,
        payload=incoming.payload,
        kind=envelope.kind,
        written_to=str(envelope.to) if envelope.to is not None else None,
        address=address,
        due=_due(envelope, kind, calendar.local_date(incoming.arrived_at)),
        correlation_id=envelope.correlation_id,
        outcome=envelope.outcome,
        reason=envelope.reason,
        traceparent=envelope.traceparent,
        urgent=envelope.urgency is Urgency.URGENT,
        timely=envelope.timely,
        useful=envelope.useful,
        sequence=envelope.sequence,
    )


def _origin(sender: str, from_: Address | None, snapshot: Snapshot) -> str:
    """The address a message is from. An account speaks for itself and for every address below it that has no account
    of its own.
    """
    if from_ is None or str(from_) == sender:
        return sender
    speaker = snapshot.nearest(str(from_))
    if from_.code not in snapshot.directory or speaker is None or speaker.address != sender:
        raise ProblemError(ProblemType.OUTSIDE_TERRITORY, f"{sender} does not speak for {from_}; leave from out")
    return str(from_)


def _kind(envelope: Envelope, snapshot: Snapshot) -> Kind:
    kind = snapshot.kinds.get(envelope.kind or "")
    if kind is None:
        known = ", ".join(snapshot.kinds)
        raise ProblemError(ProblemType.UNKNOWN_KIND, f"kind is one of {known}, not {echo(envelope.kind)}")
    if kind.type != envelope.type:
        raise ProblemError(ProblemType.KIND_OF_OTHER_TYPE, f"{kind.name} is a {kind.type}, not a {envelope.type}")
    return kind


def _schema(envelope: Envelope, kind: Kind | None) -> PayloadSchema:
    if kind is not None:
        return kind.payload_schema
    return _FORWARD_SCHEMA if envelope.type is MessageType.FORWARD else _ANSWER_SCHEMA


def _current_address(to: Address, written: int | None, snapshot: Snapshot) -> str:
    """The current address that ``to`` leads to; ``to`` itself where it is retired and leads nowhere, which is the
    router's to park.
    """
    resolution = snapshot.directory.resolve(str(to), written)
    if written is not None and resolution.address is None and snapshot.directory.resolve(str(to)).address is not None:
        # The router knows no years: it would bring the message to whoever has the code today.
        raise ProblemError(
            ProblemType.UNKNOWN_ADDRESS,
            f"where the place went that had the code {to.code} in {written} is not known; give its code of today as to",
        )
    if resolution.status == "unknown":
        raise ProblemError(ProblemType.UNKNOWN_ADDRESS, f"no jurisdiction has or had the code {to.code}; check to")
    return resolution.address or str(to)


def _due(envelope: Envelope, kind: Kind | None, today: date) -> date | None:
    if kind is None:
        # Only an extension names a date of its own then; what holds now is the ledger's to compare it with.
        return envelope.due
    return due_day(kind, envelope.due, urgent=envelope.urgency is Urgency.URGENT, today=today)
