"""Dead letters: what nobody could take. Their bytes are kept; what is said of them are ids, the queue and a reason."""

import uuid
from dataclasses import dataclass
from uuid import UUID

from services.runtime.ports import Delivery, Publication
from services.runtime.topology import INGRESS, quarantine_queue

REASON, QUEUE, MESSAGE_ID, SENDER = "reason", "queue", "message_id", "sender"
"""Headers of a dead letter that a service wrote. One that the broker passed on has ``x-death`` instead."""

_DEATHS = "x-death"
_OPEN_TO_PARTICIPANTS = frozenset({INGRESS, quarantine_queue(INGRESS)})


@dataclass(frozen=True, slots=True)
class Epitaph:
    """What is known of a dead letter without reading it."""

    queue: str
    reason: str
    message_id: UUID | None
    sender: str | None


def dead_letter(delivery: Delivery, queue: str, reason: str) -> Publication:
    """A delivery of ``queue`` as a dead letter."""
    message_id, sender = _whose(delivery, queue)
    headers = {REASON: reason, QUEUE: queue, SENDER: sender or ""}
    if message_id is not None:
        headers[MESSAGE_ID] = str(message_id)
    return Publication(routing_key="", body=delivery.body, message_id=str(uuid.uuid4()), headers=headers)


def epitaph(delivery: Delivery) -> Epitaph:
    """What the properties and headers of a dead letter say of it; its body is what killed others, and is not
    touched.
    """
    headers = delivery.properties.headers
    if _DEATHS in headers:
        queue, reason = _death(headers[_DEATHS])
        return Epitaph(queue, reason, *_whose(delivery, queue))
    return Epitaph(
        queue=_text(headers.get(QUEUE)) or "unknown",
        reason=_text(headers.get(REASON)) or "unknown",
        message_id=_uuid(headers.get(MESSAGE_ID)),
        sender=_text(headers.get(SENDER)),
    )


def _whose(delivery: Delivery, queue: str) -> tuple[UUID | None, str | None]:
    """Which message a delivery of ``queue`` is about, and whose that is.

    Where participants publish, headers are theirs and say what they like; the broker vouches for ``user_id``.
    """
    properties = delivery.properties
    headers = {} if queue in _OPEN_TO_PARTICIPANTS else properties.headers
    return (
        _uuid(headers.get(MESSAGE_ID)) or _uuid(properties.message_id),
        _text(headers.get(SENDER)) or _text(properties.user_id),
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
    if not isinstance(value, str) or not value:
        return None
    # It goes onto a list in the database, which takes no NUL, and into a log.
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value[:200])


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None
