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
from typing import TypeVar
from uuid import UUID

import msgspec

from contracts.addresses import Address, AddressError, parse_address
from contracts.problems import ProblemError, ProblemType, echo

MAX_REASON_CHARACTERS = 200
JSON = "application/json"
JOSE = "application/jose"

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SEQUENCE = re.compile(r"[1-9][0-9]{0,14}")
MAX_SEQUENCE = 10**15 - 1
"""The largest number that a sender may give a message: every reader of JSON holds it exactly."""

_YEAR = re.compile(r"(?:19|20)[0-9]{2}")
_W = TypeVar("_W", bound=StrEnum)
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class MessageType(StrEnum):
    """What participants send."""

    QUERY = "query"
    NOTICE = "notice"
    ANSWER = "answer"
    ACKNOWLEDGEMENT = "acknowledgement"
    EXTENSION = "extension"
    FORWARD = "forward"
    WITHDRAWAL = "withdrawal"
    RATING = "rating"


RECEIPT = "receipt"
REMINDER = "reminder"
FROM_THE_EXCHANGE = frozenset({RECEIPT, REMINDER})
"""What the exchange itself sends to a participant's inbox, beside the messages of others."""


class Outcome(StrEnum):
    """What an answer says of its query."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not-confirmed"
    NOT_FOUND = "not-found"
    PARTIAL = "partial"
    REFUSED = "refused"


OUTCOMES_WITH_REASON = frozenset({Outcome.PARTIAL, Outcome.REFUSED})
SUBSTANTIVE = frozenset({Outcome.CONFIRMED, Outcome.NOT_CONFIRMED, Outcome.PARTIAL})
"""Outcomes that say something of the matter; the others are answers too, and are counted apart."""


class ExtensionReply(StrEnum):
    """What the asker says to an extension; saying nothing lets it stand refused."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class Urgency(StrEnum):
    """Which of its kind's two deadlines a query has."""

    NORMAL = "normal"
    URGENT = "urgent"


_COMMON = frozenset({"id", "type", "content_type", "traceparent", "sequence"})
_ABOUT_A_QUERY = _COMMON | {"correlation_id", "from"}
MEMBERS_OF: Mapping[MessageType, frozenset[str]] = {
    MessageType.QUERY: _COMMON | {"to", "kind", "from", "due", "urgency", "written"},
    MessageType.NOTICE: _COMMON | {"to", "kind", "from", "written"},
    MessageType.ANSWER: _ABOUT_A_QUERY | {"outcome", "reason"},
    MessageType.ACKNOWLEDGEMENT: _ABOUT_A_QUERY,
    MessageType.EXTENSION: _ABOUT_A_QUERY | {"due", "reason", "outcome"},
    MessageType.FORWARD: _ABOUT_A_QUERY | {"to", "written", "reason"},
    MessageType.WITHDRAWAL: _ABOUT_A_QUERY | {"reason"},
    MessageType.RATING: _ABOUT_A_QUERY | {"timely", "useful"},
}
"""What is read of a message of each type; anything else that the contract knows is passed over."""

MEMBERS = frozenset().union(*MEMBERS_OF.values())
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
    outcome: Outcome | ExtensionReply | None
    reason: str | None
    traceparent: str | None
    urgency: Urgency = Urgency.NORMAL
    written: int | None = None
    timely: bool | None = None
    useful: bool | None = None
    sequence: int | None = None


def read_envelope(fields: Mapping[str, object]) -> Envelope:
    """The envelope that ``fields``, the contract's names with the values as received, amounts to.

    Raises ProblemError, always of the first fault in the contract's order.
    """
    id = _read_id(fields)
    type = _read_type(fields)
    members = MEMBERS_OF[type]
    own = {name: value for name, value in fields.items() if name in members}
    outcome = _read_said(own, type)
    return Envelope(
        id=id,
        type=type,
        correlation_id=_read_correlation_id(own) if "correlation_id" in members else None,
        content_type=_read_content_type(own),
        to=_read_to(own) if "to" in members else None,
        kind=_read_kind(own) if "kind" in members else None,
        from_=_read_address(own, "from"),
        # Whoever replies to an extension speaks of the date that was asked for, and names none.
        due=_read_due(own, needed=type is MessageType.EXTENSION) if outcome is None else None,
        outcome=outcome,
        reason=_read_reason(own, outcome, type),
        traceparent=_read_traceparent(own),
        urgency=_read_urgency(own),
        written=_read_written(own),
        timely=_read_yes_or_no(own, "timely") if "timely" in members else None,
        useful=_read_yes_or_no(own, "useful") if "useful" in members else None,
        sequence=_read_sequence(own),
    )


def message_id_of(fields: Mapping[str, object]) -> UUID | None:
    """The message's id where it can be read, for naming a message that is refused."""
    text = fields.get("id")
    return UUID(text) if isinstance(text, str) and _UUID.fullmatch(text) else None


def type_of(fields: Mapping[str, object]) -> MessageType | None:
    """The message's type where it is one, for naming a message that is refused."""
    return next((known for known in MessageType if known == fields.get("type")), None)


def sequence_of(fields: Mapping[str, object]) -> int | None:
    """The number that the sender gave the message where it can be read, for naming a message that is refused."""
    try:
        return _read_sequence(fields)
    except ProblemError:
        return None


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
        envelope.urgency,
        envelope.written,
        envelope.timely,
        envelope.useful,
        envelope.sequence,
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


def _read_said(fields: Mapping[str, object], type: MessageType) -> Outcome | ExtensionReply | None:
    """What an answer says of its query, or an asker of an extension; None on an extension that is asked for."""
    text = _text(fields, "outcome")
    if type is MessageType.EXTENSION:
        return None if text is None else _one_of(ExtensionReply, text, "outcome", ProblemType.UNKNOWN_OUTCOME)
    if type is not MessageType.ANSWER:
        return None
    if text is None:
        raise ProblemError(ProblemType.MISSING_OUTCOME, f"give the answer's outcome: one of {', '.join(Outcome)}")
    return _one_of(Outcome, text, "outcome", ProblemType.UNKNOWN_OUTCOME)


def _one_of(words: type[_W], text: str, name: str, problem: ProblemType) -> _W:
    try:
        return words(text)
    except ValueError:
        raise ProblemError(problem, f"{name} is one of {', '.join(words)}, not {echo(text)}") from None


def _read_reason(
    fields: Mapping[str, object], outcome: Outcome | ExtensionReply | None, type: MessageType
) -> str | None:
    text = _text(fields, "reason")
    if text is None and type is MessageType.ANSWER and outcome in OUTCOMES_WITH_REASON:
        raise ProblemError(ProblemType.MISSING_REASON, f"the outcome {outcome} needs a reason")
    if text is None and type is MessageType.EXTENSION and outcome is None:
        raise ProblemError(ProblemType.MISSING_REASON, "say in reason why more time is needed")
    if text is not None and len(text) > MAX_REASON_CHARACTERS:
        raise ProblemError(ProblemType.MALFORMED_PROPERTY, f"reason has at most {MAX_REASON_CHARACTERS} characters")
    return text


def _read_urgency(fields: Mapping[str, object]) -> Urgency:
    text = _text(fields, "urgency")
    return Urgency.NORMAL if text is None else _one_of(Urgency, text, "urgency", ProblemType.UNKNOWN_URGENCY)


def _read_written(fields: Mapping[str, object]) -> int | None:
    """The year in which a code was written down. Numbers come as such over AMQP and JSON, or as text."""
    value = fields.get("written")
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not _YEAR.fullmatch(value):
        shown = echo(value) if isinstance(value, str) else _described(value)
        raise ProblemError(ProblemType.MALFORMED_WRITTEN, f"written is a year like 1981, not {shown}")
    return int(value)


def _read_sequence(fields: Mapping[str, object]) -> int | None:
    """Which of its sender's messages it is, where the sender counts them. A number, or its digits as a text."""
    value = fields.get("sequence")
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SEQUENCE:
        return value
    if not isinstance(value, str) or not _SEQUENCE.fullmatch(value):
        shown = echo(value) if isinstance(value, str) else _described(value)
        raise ProblemError(
            ProblemType.MALFORMED_SEQUENCE, f"sequence is a whole number from 1 to {MAX_SEQUENCE}, not {shown}"
        )
    return int(value)


def _read_yes_or_no(fields: Mapping[str, object], name: str) -> bool:
    """``yes`` or ``no``, or a boolean, which AMQP and JSON both have."""
    value = fields.get(name)
    if isinstance(value, bool):
        return value
    text = _text(fields, name)
    if text not in ("yes", "no"):
        shown = "missing" if text is None else f"{echo(text)}"
        raise ProblemError(ProblemType.MALFORMED_RATING, f"{name} is yes or no; it is {shown}")
    return text == "yes"


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


def _read_due(fields: Mapping[str, object], *, needed: bool) -> date | None:
    text = _text(fields, "due")
    if text is None:
        if needed:
            raise ProblemError(ProblemType.MISSING_DUE, "give the later date as due, for example 2026-12-24")
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
