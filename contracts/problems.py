"""Why a message or a request was refused: the problem types of the exchange (RFC 9457).

A problem is data: it goes to the sender in a receipt or an HTTP answer, onto the ledger, and into a metric's label.
Its detail may name envelope values, never anything of the payload.

    ProblemError(Exception)     carries a Problem to whoever can answer with it
"""

from dataclasses import dataclass
from enum import Enum

_ECHO_LIMIT = 64


class ProblemType(Enum):
    """Every reason for a refusal: value, HTTP status, title. The value is stable and ends the problem's URN."""

    MISSING_USER_ID = ("missing-user-id", 401, "The message does not say which account sent it")
    UNKNOWN_SENDER = ("unknown-sender", 403, "The sending account is not a participant")
    SENDER_DISABLED = ("sender-disabled", 403, "The sending participant is disabled")
    OUTSIDE_TERRITORY = ("outside-territory", 403, "The account does not speak for this address")
    MISSING_MESSAGE_ID = ("missing-message-id", 400, "The message has no id")
    MALFORMED_MESSAGE_ID = ("malformed-message-id", 400, "The message id is not a UUID")
    MALFORMED_PROPERTY = ("malformed-property", 400, "A property has the wrong type or cannot be read")
    MALFORMED_REQUEST = ("malformed-request", 400, "The request's body is not a JSON object")
    UNKNOWN_MEMBER = ("unknown-member", 400, "The message has a member that the contract does not know")
    UNKNOWN_TYPE = ("unknown-type", 422, "The message type is not known")
    MISSING_KIND = ("missing-kind", 422, "The message has no kind")
    UNKNOWN_KIND = ("unknown-kind", 422, "The kind is not known")
    KIND_OF_OTHER_TYPE = ("kind-of-other-type", 422, "The kind belongs to another message type")
    MISSING_ADDRESS = ("missing-address", 422, "The message does not say where it goes")
    MALFORMED_ADDRESS = ("malformed-address", 422, "An address is malformed")
    UNKNOWN_ADDRESS = ("unknown-address", 422, "The address is not in the directory")
    MISSING_CORRELATION_ID = ("missing-correlation-id", 422, "The message does not say which query it belongs to")
    MALFORMED_CORRELATION_ID = ("malformed-correlation-id", 422, "The correlation id is not a UUID")
    MISSING_OUTCOME = ("missing-outcome", 422, "The answer has no outcome")
    UNKNOWN_OUTCOME = ("unknown-outcome", 422, "The outcome is not known")
    MISSING_REASON = ("missing-reason", 422, "The message needs a reason")
    MISSING_DUE = ("missing-due", 422, "The extension names no later date")
    MALFORMED_DUE = ("malformed-due", 422, "The due date is not a date")
    DUE_IN_THE_PAST = ("due-in-the-past", 422, "The due date has passed")
    DUE_TOO_LATE = ("due-too-late", 422, "The due date is later than the kind allows")
    DUE_NOT_LATER = ("due-not-later", 422, "The date asked for is not later than the one that holds")
    UNKNOWN_URGENCY = ("unknown-urgency", 422, "The urgency is not known")
    MALFORMED_WRITTEN = ("malformed-written", 422, "The year of writing is not a year")
    MALFORMED_SEQUENCE = ("malformed-sequence", 422, "The sender's number of the message is not a number")
    MALFORMED_RATING = ("malformed-rating", 422, "The rating does not say yes or no to both questions")
    UNSUPPORTED_CONTENT_TYPE = ("unsupported-content-type", 415, "The content type is not supported")
    PAYLOAD_EMPTY = ("payload-empty", 422, "The payload is empty")
    PAYLOAD_TOO_LARGE = ("payload-too-large", 413, "The payload is too large")
    PAYLOAD_NOT_UTF8 = ("payload-not-utf8", 422, "The payload is not valid UTF-8")
    PAYLOAD_NOT_JSON = ("payload-not-json", 422, "The payload is not JSON")
    PAYLOAD_AMBIGUOUS = ("payload-ambiguous", 422, "The payload gives one name twice")
    PAYLOAD_INVALID = ("payload-invalid", 422, "The payload does not follow its schema")
    ID_REUSED = ("id-reused", 409, "The id was used before for another content")
    UNKNOWN_QUERY = ("unknown-query", 404, "The query is not on the ledger")
    NOT_ASKED = ("not-asked", 403, "The query was not addressed to this account")
    NOT_ASKER = ("not-asker", 403, "The query was not asked by this account")
    QUERY_CLOSED = ("query-closed", 409, "The query is closed")
    ALREADY_ACKNOWLEDGED = ("already-acknowledged", 409, "The query is acknowledged already")
    NO_EXTENSION_ASKED = ("no-extension-asked", 409, "No extension waits for a reply")
    FORWARD_LOOP = ("forward-loop", 409, "The query was with this participant before")
    TOO_MANY_FORWARDS = ("too-many-forwards", 409, "The query was forwarded as often as is allowed")
    NOT_ANSWERED = ("not-answered", 409, "The query is not answered")
    ALREADY_RATED = ("already-rated", 409, "The answer is rated already")
    NOT_RECEIVED = ("not-received", 409, "The query is not received yet")
    COOLING_DOWN = ("cooling-down", 409, "The recipient was reminded a short time ago")
    PERIOD_NOT_OVER = ("period-not-over", 409, "The period cannot be closed yet")
    PERIOD_CLOSED = ("period-closed", 409, "The period is closed already")
    UNAUTHENTICATED = ("unauthenticated", 401, "The request carries no valid token")
    FORBIDDEN = ("forbidden", 403, "The token does not allow this")
    NOT_FOUND = ("not-found", 404, "There is nothing here")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "The method is not allowed here")
    INVALID_REQUEST = ("invalid-request", 422, "The request is not valid")
    REQUEST_TOO_LARGE = ("request-too-large", 413, "The request is too large")
    UNAVAILABLE = ("unavailable", 503, "The exchange cannot take this now")
    INTERNAL_ERROR = ("internal-error", 500, "The exchange failed at this request")

    def __init__(self, slug: str, status: int, title: str) -> None:
        self.slug = slug
        self.status = status
        self.title = title

    @property
    def urn(self) -> str:
        """The ``type`` member of RFC 9457 section 3.1.1: a URN, since closed networks resolve no web address."""
        return f"urn:huizhi:problem:{self.slug}"

    @classmethod
    def of(cls, slug: str) -> "ProblemType":
        """The type whose value is ``slug``. Raises KeyError for an unknown one."""
        return _BY_SLUG[slug]


_BY_SLUG = {member.slug: member for member in ProblemType}


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal: its type, and a sentence that says what to do about it."""

    type: ProblemType
    detail: str

    def to_dict(self) -> dict[str, str | int]:
        """The members of an ``application/problem+json`` object (RFC 9457 section 3.1)."""
        return {
            "type": self.type.urn,
            "title": self.type.title,
            "status": self.type.status,
            "detail": self.detail,
        }


class ProblemError(Exception):
    """Raised where something is refused; whoever stands at the edge answers with its ``problem``."""

    def __init__(self, type: ProblemType, detail: str) -> None:
        super().__init__(f"{type.slug}: {detail}")
        self.problem = Problem(type, detail)


def echo(value: object) -> str:
    """An envelope value as an error text may repeat it: quoted, printable, and no longer than 64 characters."""
    text = value if isinstance(value, str) else type(value).__name__
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:_ECHO_LIMIT])
    return f'"{shown}…"' if len(text) > _ECHO_LIMIT else f'"{shown}"'
