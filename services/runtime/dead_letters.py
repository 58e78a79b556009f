"""Dead letters: what nobody could take. Their bytes are kept; what is said of them are ids, the queue and a reason."""

import uuid
from dataclasses import dataclass
from uuid import UUID

from services.runtime.ports import Delivery, Publication

REASON, QUEUE, MESSAGE_ID, SENDER = "reason", "queue", "message_id", "sender"
"""Headers of a dead letter that a service wrote. One that the broker passed on has ``x-death`` instead."""


@dataclass(frozen=True, slots=True)
class Epitaph:
    """What is known of a dead letter without reading it."""

    queue: str
    reason: str
    message_id: UUID | None
    sender: str | None


def dead_letter(delivery: Delivery, queue: str, reason: str) -> Publication:
    """A delivery of ``queue`` as a dead letter."""
    known = epitaph(delivery)
    headers = {REASON: reason, QUEUE: queue, SENDER: known.sender or ""}
    if known.message_id is not None:
        headers[MESSAGE_ID] = str(known.message_id)
    return Publication(routing_key="", body=delivery.body, message_id=str(uuid.uuid4()), headers=headers)


def epitaph(delivery: Delivery) -> Epitaph:
    """What the properties and headers of a dead letter say of it; its body is what killed others, and is not
    touched.
    """
    properties, headers = delivery.properties, delivery.properties.headers
    queue, reason = _death(headers.get("x-death"))
    return Epitaph(
        queue=_text(headers.get(QUEUE)) or queue,
        reason=_text(headers.get(REASON)) or reason,
        message_id=_uuid(headers.get(MESSAGE_ID)) or _uuid(properties.message_id),
        sender=_text(headers.get(SENDER)) or _text(properties.user_id),
    )


def _death(deaths: object) -> tuple[str, str]:
    """Where and why the broker gave up on a message: the newest item of ``x-death``."""
    newest = deaths[0] if isinstance(deaths, list) and deaths else {}
    if not isinstance(newest, dict):
        newest = {}
    queue = _text(newest.get("queue")) or "unknown"
    reason = {
        "rejected": "rejected by its consumer",
        "delivery_limit": "came back unhandled too often",
        "expired": "expired",
        "maxlen": "its queue was full",
    }.get(str(newest.get("reason")), "passed on by the broker")
    return queue, reason


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return value[:200] if isinstance(value, str) and value else None


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
