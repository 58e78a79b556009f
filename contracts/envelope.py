"""The envelope: what the exchange reads of a message, over AMQP as over HTTP. Source: design section 4.

Both doors lay what they received out as one mapping of the contract's names; ``read_envelope`` is the only reader of
it.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

import msgspec

from contracts.addresses import Address, AddressError, parse_address
from contracts.problems import ProblemError, ProblemType, echo

MAX_REASON_CHARACTERS = 200
JSON = "application/json"
JOSE = "application/jose"

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class MessageType(StrEnum):
    """What participants send."""

    QUERY = "query"
    NOTICE = "notice"
    ANSWER = "answer"


RECEIPT = "receipt"
"""What the exchange itself sends to a participant's inbox, beside the messages of others."""


class Outcome(StrEnum):
    """What an answer says of its query."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not-confirmed"
    NOT_FOUND = "not-found"
    PARTIAL = "partial"
    REFUSED = "refused"


OUTCOMES_WITH_REASON = frozenset({Outcome.PARTIAL, Outcome.REFUSED})
MEMBERS = frozenset(
    {"id", "type", "correlation_id", "content_type", "to", "kind", "from", "due", "outcome", "reason", "traceparent"}
)
"""The contract's names, as a message posted over HTTP has them beside ``payload``."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a sender wrote, well-formed but not yet admitted. Members that the type does not have are None."""

    id: UUID
    type: MessageType
    correlation_id: UUID | None
    content_type: str
    to: Address | None
    kind: str | None
    from_: Address | None
    due: date | None
    outcome: Outcome | None
    reason: str | None
    traceparent: str | None


def read_envelope(fields: Mapping[str, object]) -> Envelope:
    """The envelope that ``fields``, the contract's names with the values as received, amounts to.

    Raises ProblemError, always of the first fault in the contract's order.
    """
    id = _read_id(fields)
    type = _read_type(fields)
    about_query = type is MessageType.ANSWER
    outcome = _read_outcome(fields) if about_query else None
    return Envelope(
        id=id,
        type=type,
        correlation_id=_read_correlation_id(fields) if about_query else None,
        content_type=_read_content_type(fields),
        to=None if about_query else _read_to(fields),
        kind=None if about_query else _read_kind(fields),
        from_=_read_address(fields, "from"),
        due=_read_due(fields) if type is MessageType.QUERY else None,
        outcome=outcome,
        reason=_read_reason(fields, outcome),
        traceparent=_read_traceparent(fields),
    )


def message_id_of(fields: Mapping[str, object]) -> UUID | None:
    """The message's id where it can be read, for naming a message that is refused."""
    text = fields.get("id")
    return UUID(text) if isinstance(text, str) and _UUID.fullmatch(text) else None


def type_of(fields: Mapping[str, object]) -> MessageType | None:
    """The message's type where it is one, for naming a message that is refused."""
    return next((known for known in MessageType if known == fields.get("type")), None)


def content_digest(sender: str, envelope: Envelope, canonical_payload: bytes) -> bytes:
    """SHA-256 over what makes two messages with one id the same: sender, envelope without its trace, and payload.

    A JSON payload counts as what it says, not how it is spaced or ordered, so that a retry over the other door is the
    same message.
    """
    members = (
        sender,
        envelope.type,
        str(envelope.correlation_id or ""),
        envelope.content_type,
        str(envelope.to or ""),
        envelope.kind or "",
        str(envelope.from_ or ""),
        str(envelope.due or ""),
        envelope.outcome or "",
        envelope.reason or "",
        canonical_payload,
    )
    return hashlib.sha256(msgspec.msgpack.encode(members)).digest()


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ProblemError(ProblemType.MALFORMED_PROPERTY, f"{name} is a text, not {_described(value)}")
    return value


def _described(value: object) -> str:
    # A value that a door could not read says why; it is never shown itself.
    reason = getattr(value, "reason", None)
    return f"something unreadable ({reason})" if reason else f"a value of type {type(value).__name__}"


def _read_uuid(text: str, problem: ProblemType, name: str) -> UUID:
    if not _UUID.fullmatch(text):
        raise ProblemError(problem, f"{name} is a UUID like 0197a3c2-5d00-7000-8000-000000000001, not {echo(text)}")
    return UUID(text)


def _read_id(fields: Mapping[str, object]) -> UUID:
    text = _text(fields, "id")
    if text is None:
        raise ProblemError(ProblemType.MISSING_MESSAGE_ID, "give each message a UUID of its own as its id")
    return _read_uuid(text, ProblemType.MALFORMED_MESSAGE_ID, "the message id")


def _read_correlation_id(fields: Mapping[str, object]) -> UUID:
    text = _text(fields, "correlation_id")
    if text is None:
        raise ProblemError(ProblemType.MISSING_CORRELATION_ID, "give the id of the query as correlation_id")
    return _read_uuid(text, ProblemType.MALFORMED_CORRELATION_ID, "correlation_id")


def _read_type(fields: Mapping[str, object]) -> MessageType:
    text = _text(fields, "type")
    try:
        return MessageType(text or "")
    except ValueError:
        known = ", ".join(MessageType)
        raise ProblemError(ProblemType.UNKNOWN_TYPE, f"type is one of {known}, not {echo(text or '')}") from None


def _read_outcome(fields: Mapping[str, object]) -> Outcome:
    text = _text(fields, "outcome")
    known = ", ".join(Outcome)
    if text is None:
        raise ProblemError(ProblemType.MISSING_OUTCOME, f"give the answer's outcome: one of {known}")
    try:
        return Outcome(text)
    except ValueError:
        raise ProblemError(ProblemType.UNKNOWN_OUTCOME, f"outcome is one of {known}, not {echo(text)}") from None


def _read_reason(fields: Mapping[str, object], outcome: Outcome | None) -> str | None:
    text = _text(fields, "reason")
    if outcome in OUTCOMES_WITH_REASON and text is None:
        raise ProblemError(ProblemType.MISSING_REASON, f"the outcome {outcome} needs a reason")
    if text is not None and len(text) > MAX_REASON_CHARACTERS:
        raise ProblemError(ProblemType.MALFORMED_PROPERTY, f"reason has at most {MAX_REASON_CHARACTERS} characters")
    return text if outcome is not None else None


def _read_kind(fields: Mapping[str, object]) -> str:
    text = _text(fields, "kind")
    if text is None:
        raise ProblemError(ProblemType.MISSING_KIND, "give the kind of the query or notice, for example case.assist")
    return text


def _read_to(fields: Mapping[str, object]) -> Address:
    address = _read_address(fields, "to")
    if address is None:
        raise ProblemError(ProblemType.MISSING_ADDRESS, "give the address it goes to as to, for example 410102")
    return address


def _read_address(fields: Mapping[str, object], name: str) -> Address | None:
    text = _text(fields, name)
    if text is None:
        return None
    try:
        return parse_address(text)
    except AddressError:
        expected = "a code of 2, 4, 6 or 9 digits, with an optional department like 410102.health"
        raise ProblemError(ProblemType.MALFORMED_ADDRESS, f"{name} is {expected}, not {echo(text)}") from None


def _read_due(fields: Mapping[str, object]) -> date | None:
    text = _text(fields, "due")
    if text is None:
        return None
    try:
        # The basic format, 20261224, and weeks are dates to Python but not to the contract.
        return date.fromisoformat(text if _DATE.fullmatch(text) else "")
    except ValueError:
        raise ProblemError(ProblemType.MALFORMED_DUE, f"due is a date like 2026-12-24, not {echo(text)}") from None


def _read_content_type(fields: Mapping[str, object]) -> str:
    text = (_text(fields, "content_type") or JSON).partition(";")[0].strip().lower()
    if text not in (JSON, JOSE):
        raise ProblemError(ProblemType.UNSUPPORTED_CONTENT_TYPE, f"content_type is {JSON} or {JOSE}, not {echo(text)}")
    return text


def _read_traceparent(fields: Mapping[str, object]) -> str | None:
    # W3C Trace Context section 3.2.2.4: a traceparent that cannot be read is ignored, never a reason to fail.
    value = fields.get("traceparent")
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None
