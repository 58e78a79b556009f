"""A message as its recipient gets it: the sender's properties, and what the exchange adds. Source: design section 4."""

from contracts.batch import Outbound
from services.router.addressing import Placement
from services.runtime.ports import Publication


def inbox_publication(message: Outbound, placement: Placement) -> Publication:
    """``message`` for the inbox of ``placement``, its key being the recipient's address."""
    headers: dict[str, str | int | None] = {
        "from": message.origin,
        "to": message.written_to,
        "kind": message.kind,
        "tier": message.tier,
        "due": message.due.isoformat() if message.due else None,
        "outcome": message.outcome,
        "reason": message.reason,
        "received_at": message.received_at.isoformat(timespec="milliseconds"),
        "entry": message.entry,
        "traceparent": message.traceparent,
        **message.more,
    }
    return Publication(
        routing_key=placement.recipient,
        body=message.payload,
        message_id=str(message.id),
        type=message.type,
        correlation_id=str(message.correlation_id) if message.correlation_id else None,
        content_type=message.content_type,
        headers={name: value for name, value in headers.items() if value is not None},
    )
