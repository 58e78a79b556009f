"""Messages on their way to an inbox, made of what arrived and what the ledger made of it."""

import uuid
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts.batch import Admitted, Outbound
from contracts.envelope import JSON, REMINDER, MessageType, Urgency
from services.ledger.records import MessageState

_REMINDER_NAMESPACE = UUID("7e1a4c52-0a5f-5b63-8a3e-0d7f2c9b6e41")


def outbound(record: Admitted, message: MessageState) -> Outbound:
    """A message that was just let in, for whom it is addressed to."""
    return Outbound(
        id=record.id,
        type=record.type,
        address=message.address,
        origin=message.origin,
        content_type=record.content_type,
        payload=record.payload,
        received_at=record.arrived_at,
        entry=message.accepted_entry,
        kind=message.kind,
        tier=message.tier,
        written_to=message.written_to,
        due=message.due,
        correlation_id=message.correlation_id,
        outcome=record.outcome,
        reason=record.reason,
        traceparent=record.traceparent,
        more=_more(record),
    )


def forwarded(record: Admitted, query: MessageState) -> Outbound:
    """A query for whom ``record``, a forward, names: under its own id, with the payload that the forwarder hands on."""
    return Outbound(
        id=query.id,
        type=MessageType.QUERY,
        address=query.address,
        origin=query.origin,
        content_type=record.content_type,
        payload=record.payload,
        received_at=record.arrived_at,
        entry=query.accepted_entry,
        kind=query.kind,
        tier=query.tier,
        written_to=record.written_to,
        due=query.due,
        reason=record.reason,
        traceparent=record.traceparent,
        duty=query.duty,
        more={"forwarded_by": record.sender},
    )


def reminder(query: MessageState, *, step: str, key: str, address: str, at: datetime, **said: Any) -> Outbound:
    """What the exchange itself says to ``address`` about ``query``. The same ``key`` makes the same id."""
    payload = {
        "query": str(query.id),
        "step": step,
        "kind": query.kind,
        "from": query.origin,
        "to": query.address,
        "due": query.due,
        "received_at": query.dispatched_at,
        **said,
    }
    return Outbound(
        id=uuid.uuid5(_REMINDER_NAMESPACE, f"{query.id} {query.duty} {key}"),
        type=REMINDER,
        address=address,
        origin=None,
        content_type=JSON,
        payload=msgspec.json.encode(payload),
        received_at=at,
        kind=query.kind,
        tier=query.tier,
        due=query.due,
        correlation_id=query.id,
        more={"step": step},
    )


def _more(record: Admitted) -> dict[str, str]:
    more = {"urgency": Urgency.URGENT.value} if record.urgent else {}
    said = {"timely": record.timely, "useful": record.useful}
    return more | {name: "yes" if value else "no" for name, value in said.items() if value is not None}
