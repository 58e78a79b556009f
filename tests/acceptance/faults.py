"""Everything that can be wrong with a message, each with the problem it is refused with at each of the two doors."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tests.acceptance.drafts import (
    LARGEST_PAYLOAD_BYTES,
    MARKER,
    NOT_UTF8,
    Draft,
    about,
    answer,
    changed,
    forward,
    notice,
    payload,
    query,
)

Door = Literal["amqp", "http"]
DOORS: tuple[Door, ...] = ("amqp", "http")


class Of(Enum):
    """Stands in the table for what only the scene knows: the attribute of that name."""

    OTHER_PROVINCE = "other_province"
    BELOW_WITH_AN_ACCOUNT = "below_with_an_account"
    OPEN_QUERY = "open_query"
    FOREIGN_QUERY = "foreign_query"
    CLOSED_QUERY = "closed_query"
    OWN_QUERY = "own_query"
    RATED_QUERY = "rated_query"
    ACKNOWLEDGED_QUERY = "acknowledged_query"
    MUCH_FORWARDED_QUERY = "much_forwarded_query"
    ASKER = "to"
    NOTICE = "notice"
    USED_ID = "used_id"
    ID_OF_ANOTHER = "id_of_another"
    YESTERDAY = "yesterday"
    IN_TIME = "in_time"
    BEYOND_THE_DEADLINE = "beyond_the_deadline"
    BEYOND_ALL_PATIENCE = "beyond_all_patience"
    NEW_CONTENT = "new_content"
    NEW_NOTE = "new_note"


@dataclass(frozen=True)
class Background:
    """What is already on the ledger before something goes wrong: ``to`` asked the sender ``open_query``,
    ``acknowledged_query`` and ``closed_query``; ``much_forwarded_query`` has come to it after three forwards. The
    sender itself has asked ``used_id``, which is not answered, and ``rated_query``, whose answer it has rated.
    """

    to: str
    other_province: str
    elsewhere: str
    below_with_an_account: str
    open_query: str
    foreign_query: str
    closed_query: str
    acknowledged_query: str
    much_forwarded_query: str
    rated_query: str
    notice: str
    used_id: str
    id_of_another: str

    @property
    def own_query(self) -> str:
        """A query that the sender has asked."""
        return self.used_id

    @property
    def yesterday(self) -> str:
        """A day that has passed."""
        return (_today() - timedelta(days=1)).isoformat()

    @property
    def new_content(self) -> bytes:
        """A payload that was never sent before: the same message refused again would not be counted again."""
        return payload(note=str(uuid.uuid4()))

    @property
    def new_note(self) -> bytes:
        """The same for an answer."""
        return json.dumps({"note": f"{MARKER} {uuid.uuid4()}"}).encode()

    @property
    def in_time(self) -> str:
        """A day within every deadline."""
        return (_today() + timedelta(days=2)).isoformat()

    @property
    def last_day(self) -> str:
        """The last day that ``case.assist`` allows."""
        return (_today() + timedelta(days=30)).isoformat()

    @property
    def beyond_the_deadline(self) -> str:
        """A day later than ``case.assist`` allows, also if midnight comes in between."""
        return (_today() + timedelta(days=32)).isoformat()

    @property
    def later(self) -> str:
        """A day that an extension may name."""
        return (_today() + timedelta(days=60)).isoformat()

    @property
    def beyond_all_patience(self) -> str:
        """A day so late that no extension reaches it."""
        return (_today() + timedelta(days=400)).isoformat()


Type = Literal["query", "notice", "answer", "acknowledgement", "extension", "forward", "withdrawal", "rating"]


@dataclass(frozen=True)
class Fault:
    """One row. ``amqp`` and ``http`` are the problems, None where a door cannot let such a thing in at all.

    ``by_ledger``: only the ledger can see it, so that the gateway takes the message into custody first.
    """

    name: str
    type: Type
    changes: Mapping[str, Any]
    amqp: str | None = None
    http: str | None = None
    by_ledger: bool = False

    def problem(self, door: Door) -> str | None:
        """The problem at a door."""
        return self.amqp if door == "amqp" else self.http

    def draft(self, background: Background) -> Draft:
        """A new message with this fault."""
        asked, own = background.open_query, background.own_query
        makes: dict[Type, Callable[[], Draft]] = {
            "query": lambda: query(background.to),
            "notice": lambda: notice(background.to),
            "answer": lambda: answer(asked),
            "acknowledgement": lambda: about("acknowledgement", asked),
            "extension": lambda: about("extension", asked, due=background.later, reason="waiting-for-others"),
            "forward": lambda: forward(asked, background.elsewhere, reason="not-in-charge"),
            "withdrawal": lambda: about("withdrawal", own),
            "rating": lambda: about("rating", own, timely="yes", useful="yes"),
        }
        known = {name: getattr(background, v.value) if isinstance(v, Of) else v for name, v in self.changes.items()}
        return changed(makes[self.type](), known)


@dataclass(frozen=True)
class _Row:
    type: Type = "query"
    doors: tuple[Door, ...] = ("amqp", "http")
    by_ledger: bool = False
    http_problem: str | None = field(default=None)

    def __call__(self, problem: str, name: str, **changes: Any) -> Fault:
        return Fault(
            f"{self.type}: {name}",
            self.type,
            changes,
            amqp=problem if "amqp" in self.doors else None,
            http=(self.http_problem or problem) if "http" in self.doors else None,
            by_ledger=self.by_ledger,
        )


_query, _notice, _answer = _Row("query"), _Row("notice"), _Row("answer")
_acknowledgement, _extension, _forward = _Row("acknowledgement"), _Row("extension"), _Row("forward")
_withdrawal, _rating = _Row("withdrawal"), _Row("rating")
_ledger = _Row("answer", by_ledger=True)
_late_acknowledgement, _late_extension = _Row("acknowledgement", by_ledger=True), _Row("extension", by_ledger=True)
_late_forward, _late_withdrawal = _Row("forward", by_ledger=True), _Row("withdrawal", by_ledger=True)
_late_rating = _Row("rating", by_ledger=True)
_query_again, _notice_again = _Row("query", by_ledger=True), _Row("notice", by_ledger=True)
_amqp, _amqp_answer = _Row("query", doors=("amqp",)), _Row("answer", doors=("amqp",))
_http = _Row("query", doors=("http",))
# Over HTTP a body has to be UTF-8 and JSON as a whole before any member of it can be read.
_not_utf8, _answer_not_utf8 = _Row(http_problem="payload-not-utf8"), _Row("answer", http_problem="payload-not-utf8")
_not_json = _Row(http_problem="malformed-request")

_TOO_LARGE = payload(LARGEST_PAYLOAD_BYTES + 1)

# fmt: off
FAULTS: tuple[Fault, ...] = (
    # Who sends it, and for whom.
    _amqp("missing-user-id", "no user_id", user_id=""),
    _query("outside-territory", "from another province", from_=Of.OTHER_PROVINCE),
    _query("outside-territory", "from the province above", from_="64"),
    _query("outside-territory", "from an address below that has an account", from_=Of.BELOW_WITH_AN_ACCOUNT),
    _query("outside-territory", "from a township below that does not exist", from_="640104999"),
    _query("malformed-address", "from is no address", from_="Yinchuan"),
    _query("malformed-property", "from is an integer", from_=640104),

    # What it is.
    _query("missing-message-id", "no id", id=""),
    _query("malformed-message-id", "id is no UUID", id="714"),
    _query("unknown-type", "no type", type=""),
    _query("unknown-type", "unknown type", type="telegram"),
    _query("unknown-type", "a type that only the exchange sends", type="receipt"),
    _query("missing-kind", "no kind", kind=None),
    _query("unknown-kind", "unknown kind", kind="weather.forecast"),
    _query("kind-of-other-type", "a notice's kind", kind="service.notice"),
    _notice("kind-of-other-type", "a query's kind", kind="case.assist"),
    _notice("unknown-kind", "unknown kind", kind="service"),
    _query("unsupported-content-type", "an XML payload", content_type="application/xml"),

    # Where it goes.
    _query("missing-address", "no to", to=None),
    _query("missing-address", "an empty to", to=""),
    _notice("missing-address", "no to", to=None),
    _query("malformed-address", "to with three digits", to="410"),
    _query("malformed-address", "to with digits of another script", to="４１０１０２"),
    _query("malformed-address", "to with a bad department", to="640104.Health"),
    _query("malformed-address", "to with a line break", to="640104\n"),
    _query("unknown-address", "to a county that never was", to="649999"),
    _query("unknown-address", "to a department of a county that never was", to="649999.health"),

    # When it is due.
    _query("due-in-the-past", "due yesterday", due=Of.YESTERDAY),
    _query("due-too-late", "due beyond the kind's deadline", due=Of.BEYOND_THE_DEADLINE),
    _query("malformed-due", "due on no day of the calendar", due="2026-02-30"),
    _query("malformed-due", "due in words", due="tomorrow"),
    _query("malformed-due", "due in the basic format", due="20261224"),

    # What an answer needs.
    _answer("missing-correlation-id", "no correlation_id", correlation_id=""),
    _answer("malformed-correlation-id", "correlation_id is no UUID", correlation_id="the one from Monday"),
    _answer("missing-outcome", "no outcome", outcome=None),
    _answer("unknown-outcome", "unknown outcome", outcome="perhaps"),
    _answer("missing-reason", "partial without a reason", outcome="partial"),
    _answer("missing-reason", "refused without a reason", outcome="refused"),
    _answer("malformed-property", "a reason without end", outcome="refused", reason="r" * 201),
    _answer("payload-invalid", "a note that is no text", payload=b'{"note": 7}'),
    _ledger("unknown-query", "to an unknown query", correlation_id="0197a3c2-5d00-7000-8000-000000000000"),
    _ledger("unknown-query", "to a notice", correlation_id=Of.NOTICE),
    _ledger("not-asked", "to a query that somebody else was asked", correlation_id=Of.FOREIGN_QUERY),
    _ledger("query-closed", "to a query that is answered", correlation_id=Of.CLOSED_QUERY),

    # What else is said about a query: what the gateway sees.
    _acknowledgement("missing-correlation-id", "no correlation_id", correlation_id=""),
    _acknowledgement("payload-empty", "no payload", payload=b""),
    _extension("missing-due", "no due", due=None),
    _extension("malformed-due", "due in words", due="when we can"),
    _extension("missing-reason", "no reason", reason=None),
    _extension("unknown-outcome", "an answer's outcome", outcome="confirmed"),
    _forward("missing-address", "no to", to=None),
    _forward("unknown-address", "to a county that never was", to="649999"),
    _forward("payload-invalid", "the payload is a list", payload=b"[]"),
    _withdrawal("malformed-property", "a reason without end", reason="r" * 201),
    _rating("malformed-rating", "nothing on whether it was useful", useful=None),
    _rating("malformed-rating", "timely neither yes nor no", timely="rather"),
    _query("unknown-urgency", "an urgency that is none", urgency="high"),
    _query("malformed-written", "written in words", written="long ago"),
    _notice("malformed-written", "written in a year with two digits", written=81),
    _forward("malformed-written", "written on a day", written="1981-03-01"),
    _query("malformed-sequence", "numbered from zero", sequence=0),
    _notice("malformed-sequence", "a number in words", sequence="seven"),
    _rating("malformed-sequence", "a number with a sign", sequence="+7"),

    # And what only the ledger sees.
    _late_acknowledgement("not-asked", "of a query that somebody else was asked", correlation_id=Of.FOREIGN_QUERY),
    _late_acknowledgement("query-closed", "of a query that is answered", correlation_id=Of.CLOSED_QUERY),
    _late_acknowledgement("already-acknowledged", "once more", correlation_id=Of.ACKNOWLEDGED_QUERY),
    _late_extension("due-not-later", "to a day before the one that holds", due=Of.IN_TIME),
    _late_extension("due-too-late", "for more than a year", due=Of.BEYOND_ALL_PATIENCE),
    _late_extension("no-extension-asked", "accepted unasked", correlation_id=Of.OWN_QUERY, outcome="accepted"),
    _late_extension("not-asker", "accepted by whom it was asked", outcome="accepted"),
    _late_forward("forward-loop", "to whom it came from", to=Of.ASKER),
    _late_forward("too-many-forwards", "for the fourth time", correlation_id=Of.MUCH_FORWARDED_QUERY),
    _late_forward("query-closed", "of a query that is answered", correlation_id=Of.CLOSED_QUERY),
    _late_withdrawal("not-asker", "of a query of somebody else", correlation_id=Of.OPEN_QUERY),
    _late_withdrawal("query-closed", "of a query that is answered", correlation_id=Of.RATED_QUERY),
    _late_rating("not-asker", "of an answer to somebody else", correlation_id=Of.CLOSED_QUERY),
    _late_rating("not-answered", "before the answer"),
    _late_rating("already-rated", "once more", correlation_id=Of.RATED_QUERY),
    _late_rating("unknown-query", "of a notice", correlation_id=Of.NOTICE),

    # An id that was used.
    _query_again("id-reused", "its own id with another content", id=Of.USED_ID, payload=Of.NEW_CONTENT),
    _query_again("id-reused", "somebody else's id", id=Of.ID_OF_ANOTHER, payload=Of.NEW_CONTENT),
    _notice_again("id-reused", "the id of a query", id=Of.USED_ID, payload=Of.NEW_CONTENT),
    _ledger("id-reused", "the id of a query", id=Of.USED_ID, payload=Of.NEW_NOTE),

    # The payload.
    _query("payload-empty", "no payload", payload=b""),
    _answer("payload-empty", "no payload", payload=b""),
    _not_json("payload-not-json", "the payload is text", payload=b"Please confirm"),
    _not_json("payload-not-json", "the payload is cut off", payload=b'{"subject": "x"'),
    _not_json("payload-not-json", "the payload is no number of JSON", payload=b"NaN"),
    _not_json("payload-not-json", "the payload nests without end", payload=b"[" * 50_000),
    _query("payload-ambiguous", "the payload gives one name twice", payload=b'{"subject": "x", "subject": "y"}'),
    _not_utf8("payload-not-utf8", "the payload is in another encoding", payload='{"subject": "户籍"}'.encode("gbk")),
    _not_utf8("payload-not-utf8", "the payload holds a lone byte", payload=b'{"subject": "\xff"}'),
    _query("payload-invalid", "the payload lacks the subject", payload=b'{"note": "n"}'),
    _query("payload-invalid", "the payload has more than the schema", payload=payload(extra=1)),
    _query("payload-invalid", "the payload is a list", payload=b"[]"),
    _query("payload-invalid", "the payload is null", payload=b"null"),
    _query("payload-invalid", "the sealed payload is not sealed", content_type="application/jose", payload=b"open"),
    _query("payload-too-large", "the payload is a byte too large", payload=_TOO_LARGE),

    # Properties of the wrong type.
    _query("malformed-property", "to is an integer", to=410102),
    _query("malformed-property", "to is true", to=True),
    _query("malformed-property", "to is a list", to=["410102", "410103"]),
    _query("malformed-property", "kind is a table", kind={"name": "case.assist"}),
    _query("malformed-property", "due is a number", due=20261224),
    _answer("malformed-property", "outcome is a fraction", outcome=0.5),
    _answer("malformed-property", "reason is an integer", outcome="partial", reason=714),
    _amqp("malformed-property", "due is a timestamp", due=datetime(2026, 12, 24, tzinfo=UTC)),
    _amqp("malformed-property", "to is an array of bytes", to=bytearray(b"410102")),
    _http("malformed-property", "id is a number", id=714),
    _http("malformed-property", "type is a list", type=["query"]),
    _http("malformed-property", "content_type is an object", content_type={"application": "json"}),

    # Properties that are not UTF-8.
    _not_utf8("malformed-property", "id is not UTF-8", id=f"0197{NOT_UTF8}"),
    _not_utf8("malformed-property", "type is not UTF-8", type=f"query{NOT_UTF8}"),
    _not_utf8("malformed-property", "content_type is not UTF-8", content_type=f"application/json{NOT_UTF8}"),
    _not_utf8("malformed-property", "to is not UTF-8", to=f"6401{NOT_UTF8}"),
    _not_utf8("malformed-property", "kind is not UTF-8", kind=f"case{NOT_UTF8}.assist"),
    _not_utf8("malformed-property", "from is not UTF-8", from_=NOT_UTF8),
    _answer_not_utf8("malformed-property", "correlation_id is not UTF-8", correlation_id=NOT_UTF8),
    _answer_not_utf8("malformed-property", "outcome is not UTF-8", outcome=f"confirmed{NOT_UTF8}"),
    _amqp("missing-address", "the name of the header to is not UTF-8", to=None, **{f"t{NOT_UTF8}o": "410102"}),

    # Bodies of requests.
    _http("malformed-request", "the body is empty", body=b""),
    _http("malformed-request", "the body is no JSON", body=b"to=410102&kind=case.assist"),
    _http("malformed-request", "the body is a list", body=b"[]"),
    _http("malformed-request", "the body gives one name twice", body=b'{"to": "410102", "to": "110101"}'),
    _http("malformed-request", "the body is cut off", body=b'{"id": "0197a3c2-5d00-7000-8000-00000000'),
    _http("malformed-request", "the body nests without end", body=b'{"a":' * 100_000),
    _http("payload-not-utf8", "the body is not UTF-8", body=b'{"id": "\xff"}'),
    _http("unknown-member", "a member that the contract does not know", priority="high"),
    _http("unknown-member", "the AMQP name of a member", message_id="0197a3c2-5d00-7000-8000-000000000000"),
)
# fmt: on


def _today() -> date:
    return datetime.now(ZoneInfo("Asia/Shanghai")).date()
