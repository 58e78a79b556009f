"""Admission: what is let in, what is not and why, from the fields as received and a snapshot of the registry."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.batch import Admitted, Refused
from contracts.directory import Directory, Jurisdiction
from contracts.envelope import MEMBERS, MessageType
from contracts.kinds import built_in_kinds
from contracts.payloads import MAX_PAYLOAD_BYTES
from contracts.period import Calendar
from contracts.problems import ProblemType
from services.gateway.admission import Incoming, admit
from services.gateway.posting import admit_body
from services.registry.snapshot import Participant, Snapshot, TokenOwner

ID = "0197a3c2-5d00-7000-8000-000000000001"
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))
PLACES = [
    Jurisdiction("41", "河南省", "province", None),
    Jurisdiction("4101", "郑州市", "prefecture", "41"),
    Jurisdiction("410102", "中原区", "county", "4101"),
    Jurisdiction("410103", "二七区", "county", "4101"),
    Jurisdiction("31", "上海市", "province", None),
    Jurisdiction("310115", "浦东新区", "county", "31"),
]


def participant(address: str, status: str = "active") -> Participant:
    return Participant(address, address, status)  # type: ignore[arg-type]


SNAPSHOT = Snapshot(
    version=1,
    directory=Directory.of(PLACES, []),
    kinds={kind.name: kind for kind in built_in_kinds()},
    participants={
        p.address: p for p in (participant("4101"), participant("410102"), participant("310115", "disabled"))
    },
    tokens={},
)
QUERY = Incoming(
    "amqp",
    "4101",
    "4101",
    MappingProxyType({"id": ID, "type": "query", "to": "410102", "kind": "case.assist"}),
    b'{"subject": "x"}',
    NOW,
)
NOTICE: dict[str, object] = {"type": "notice", "kind": "service.notice"}
ABOUT: dict[str, object] = {"to": None, "kind": None, "correlation_id": ID}
ACKNOWLEDGEMENT: dict[str, object] = {**ABOUT, "type": "acknowledgement"}
EXTENSION: dict[str, object] = {**ABOUT, "type": "extension", "due": "2027-01-15", "reason": "waiting-for-others"}
ACCEPTANCE: dict[str, object] = {**ABOUT, "type": "extension", "outcome": "accepted"}
FORWARD: dict[str, object] = {**ABOUT, "type": "forward", "to": "410103", "reason": "not-in-charge"}
WITHDRAWAL: dict[str, object] = {**ABOUT, "type": "withdrawal"}
RATING: dict[str, object] = {**ABOUT, "type": "rating", "timely": "yes", "useful": "no"}
ANSWER = {"id": ID, "type": "answer", "to": None, "kind": None, "correlation_id": ID, "outcome": "confirmed"}


def with_fields(**changes: object) -> Incoming:
    return replace(QUERY, fields={**QUERY.fields, **changes})


def test_a_query_is_admitted_with_its_address_its_origin_and_its_deadline() -> None:
    record = admit(with_fields(**{"from": "410103"}), SNAPSHOT, CALENDAR)
    assert isinstance(record, Admitted)
    assert (record.sender, record.origin, record.address, record.due) == (
        "4101",
        "410103",
        "410102",
        date(2026, 12, 24),
    )
    assert record.id == UUID(ID)


def test_an_answer_is_admitted_without_address_or_kind() -> None:
    record = admit(replace(with_fields(**ANSWER), payload=b'{"note":"yes"}'), SNAPSHOT, CALENDAR)
    assert isinstance(record, Admitted)
    assert (record.address, record.kind, record.due, record.outcome) == (None, None, None, "confirmed")


def post(incoming: Incoming) -> Admitted | Refused:
    """The same message over the other door, from the same account."""
    fields = {name: value for name, value in incoming.fields.items() if value is not None}
    body = json.dumps(fields)[:-1].encode() + b',"payload":' + incoming.payload + b"}"
    return admit_body(body, TokenOwner("participant", incoming.account), SNAPSHOT, CALENDAR)


ADMISSIONS: list[tuple[dict[str, object], dict[str, object]]] = [
    ({"type": "query", "urgency": "urgent"}, {"urgent": True}),
    ({"type": "query", "urgency": "normal", "written": "1995"}, {"urgent": False, "address": "410102"}),
    ({**NOTICE, "written": 2020}, {"urgent": False, "due": None, "address": "410102", "written_to": "410102"}),
    (ACKNOWLEDGEMENT, {"address": None, "kind": None, "due": None, "correlation_id": UUID(ID)}),
    (EXTENSION, {"due": date(2027, 1, 15), "outcome": None, "reason": "waiting-for-others"}),
    (ACCEPTANCE, {"due": None, "outcome": "accepted", "reason": None}),
    # What an asker writes as due into its reply is not read: the date was asked for, and is on the ledger.
    ({**ACCEPTANCE, "due": "2027-01-15"}, {"due": None, "outcome": "accepted"}),
    (FORWARD, {"address": "410103", "written_to": "410103", "kind": None, "due": None, "reason": "not-in-charge"}),
    (WITHDRAWAL, {"address": None, "reason": None}),
    ({**WITHDRAWAL, "reason": "sent-by-mistake: twice"}, {"reason": "sent-by-mistake: twice"}),
    (RATING, {"timely": True, "useful": False}),
    ({"type": "query", "sequence": 7}, {"sequence": 7}),
    ({**NOTICE, "sequence": "999999999999999"}, {"sequence": 999999999999999}),
    ({**RATING, "sequence": ""}, {"sequence": None}),
    ({**RATING, "timely": False, "useful": True}, {"timely": False, "useful": True}),
]


@pytest.mark.parametrize(("fields", "expected"), ADMISSIONS)
def test_every_type_is_admitted_over_both_doors_with_what_it_says(
    fields: dict[str, object], expected: dict[str, object]
) -> None:
    incoming = with_fields(**fields)
    over_amqp, over_http = admit(incoming, SNAPSHOT, CALENDAR), post(incoming)

    for record in (over_amqp, over_http):
        assert isinstance(record, Admitted), record
        assert record.type == fields["type"]
        assert {name: getattr(record, name) for name in expected} == expected
    # A retry over the other door is the same message.
    assert isinstance(over_amqp, Admitted)
    assert isinstance(over_http, Admitted)
    assert over_amqp.digest == over_http.digest


def test_an_urgent_query_is_due_by_its_kinds_urgent_deadline() -> None:
    record = admit(with_fields(urgency="urgent"), SNAPSHOT, CALENDAR)
    assert isinstance(record, Admitted)
    assert record.due == date(2026, 12, 9)


def test_every_type_is_tried() -> None:
    assert {fields["type"] for fields, _ in ADMISSIONS} | {"answer"} == set(MessageType)


def test_what_a_type_does_not_have_is_passed_over_also_where_it_could_not_be_read() -> None:
    fields: dict[str, object] = {
        **ACKNOWLEDGEMENT,
        "urgency": "high",
        "written": "long ago",
        "timely": 7,
        "due": "soon",
        "outcome": [],
    }
    record = admit(with_fields(**fields), SNAPSHOT, CALENDAR)

    assert isinstance(record, Admitted)
    assert record.digest == admitted_digest(ACKNOWLEDGEMENT)


def admitted_digest(fields: dict[str, object]) -> bytes:
    """The digest of a message with these fields."""
    record = admit(with_fields(**fields), SNAPSHOT, CALENDAR)
    assert isinstance(record, Admitted)
    return record.digest


def test_each_thing_that_is_said_makes_another_message() -> None:
    said: list[dict[str, object]] = [
        EXTENSION,
        {**EXTENSION, "due": "2027-01-16"},
        {**EXTENSION, "reason": "needs-investigation"},
        ACCEPTANCE,
        {**ACCEPTANCE, "outcome": "refused"},
        FORWARD,
        {**FORWARD, "to": "4101"},
        RATING,
        {**RATING, "timely": "no"},
        {**RATING, "useful": "yes"},
        {"type": "query", "urgency": "urgent"},
        {"type": "query", "written": "1995"},
        {"type": "query", "sequence": 1},
        {"type": "query", "sequence": 2},
        {"type": "query"},
    ]

    assert len({admitted_digest(fields) for fields in said}) == len(said)


def test_a_forward_carries_an_object_of_any_kind_or_something_sealed() -> None:
    forward = with_fields(**FORWARD)
    sealed = replace(
        with_fields(**FORWARD, content_type="application/jose"), payload=b"eyJhbGciOiJkaXIifQ..AAAA.BBBB.CCCC"
    )

    assert isinstance(admit(replace(forward, payload=b'{"certificate_number": "7"}'), SNAPSHOT, CALENDAR), Admitted)
    assert isinstance(
        admit(replace(sealed, payload=b"eyJhbGciOiJkaXIifQ..AAAA.BBBB.CCCC"), SNAPSHOT, CALENDAR), Admitted
    )
    assert isinstance(admit(replace(forward, payload=b"[]"), SNAPSHOT, CALENDAR), Refused)


REFUSALS: list[tuple[Incoming, ProblemType]] = [
    (replace(QUERY, account=None), ProblemType.MISSING_USER_ID),
    (replace(QUERY, account="huizhi"), ProblemType.UNKNOWN_SENDER),
    (replace(QUERY, account="310115"), ProblemType.SENDER_DISABLED),
    (with_fields(**{"from": "310115"}), ProblemType.OUTSIDE_TERRITORY),
    (with_fields(**{"from": "410102"}), ProblemType.OUTSIDE_TERRITORY),
    (with_fields(**{"from": "410199"}), ProblemType.OUTSIDE_TERRITORY),
    (with_fields(**{"from": "zhengzhou"}), ProblemType.MALFORMED_ADDRESS),
    (with_fields(id=None), ProblemType.MISSING_MESSAGE_ID),
    (with_fields(id="4711"), ProblemType.MALFORMED_MESSAGE_ID),
    (with_fields(id=4711), ProblemType.MALFORMED_PROPERTY),
    (with_fields(type=None), ProblemType.UNKNOWN_TYPE),
    (with_fields(type="question"), ProblemType.UNKNOWN_TYPE),
    (with_fields(type={"a": 1}), ProblemType.MALFORMED_PROPERTY),
    (with_fields(kind=None), ProblemType.MISSING_KIND),
    (with_fields(kind="case.asist"), ProblemType.UNKNOWN_KIND),
    (with_fields(kind="service.notice"), ProblemType.KIND_OF_OTHER_TYPE),
    (with_fields(to=None), ProblemType.MISSING_ADDRESS),
    (with_fields(to="41010"), ProblemType.MALFORMED_ADDRESS),
    (with_fields(to="410102.Health"), ProblemType.MALFORMED_ADDRESS),
    (with_fields(to=410102), ProblemType.MALFORMED_PROPERTY),
    (with_fields(to="999999"), ProblemType.UNKNOWN_ADDRESS),
    (with_fields(**{**ANSWER, "correlation_id": None}), ProblemType.MISSING_CORRELATION_ID),
    (with_fields(**{**ANSWER, "correlation_id": "x"}), ProblemType.MALFORMED_CORRELATION_ID),
    (with_fields(**{**ANSWER, "outcome": None}), ProblemType.MISSING_OUTCOME),
    (with_fields(**{**ANSWER, "outcome": "maybe"}), ProblemType.UNKNOWN_OUTCOME),
    (with_fields(**{**ANSWER, "outcome": "refused"}), ProblemType.MISSING_REASON),
    (with_fields(**{**ANSWER, "outcome": "refused", "reason": "x" * 201}), ProblemType.MALFORMED_PROPERTY),
    (with_fields(due="tomorrow"), ProblemType.MALFORMED_DUE),
    (with_fields(due="20261224"), ProblemType.MALFORMED_DUE),
    (with_fields(due="2026-11-23"), ProblemType.DUE_IN_THE_PAST),
    (with_fields(due="2026-12-25"), ProblemType.DUE_TOO_LATE),
    (with_fields(urgency="high"), ProblemType.UNKNOWN_URGENCY),
    (with_fields(urgency=1), ProblemType.MALFORMED_PROPERTY),
    (with_fields(urgency="urgent", due="2026-12-24"), ProblemType.DUE_TOO_LATE),
    (with_fields(written="long ago"), ProblemType.MALFORMED_WRITTEN),
    (with_fields(written=81), ProblemType.MALFORMED_WRITTEN),
    (with_fields(written=True), ProblemType.MALFORMED_WRITTEN),
    (with_fields(**{**NOTICE, "written": "1981-01-01"}), ProblemType.MALFORMED_WRITTEN),
    (with_fields(**{**FORWARD, "written": 1981.0}), ProblemType.MALFORMED_WRITTEN),
    *(
        (with_fields(**{**RATING, "sequence": number}), ProblemType.MALFORMED_SEQUENCE)
        for number in (0, -1, "0", "01", "seven", "7 ", "1" * 16, 1.0, True, 10**15, 10**5000)
    ),
    *(
        (with_fields(**{**fields, "correlation_id": None}), ProblemType.MISSING_CORRELATION_ID)
        for fields in (ACKNOWLEDGEMENT, EXTENSION, ACCEPTANCE, FORWARD, WITHDRAWAL, RATING)
    ),
    (with_fields(**{**EXTENSION, "due": None}), ProblemType.MISSING_DUE),
    (with_fields(**{**EXTENSION, "due": "in January"}), ProblemType.MALFORMED_DUE),
    (with_fields(**{**EXTENSION, "reason": None}), ProblemType.MISSING_REASON),
    (with_fields(**{**ACCEPTANCE, "outcome": "confirmed"}), ProblemType.UNKNOWN_OUTCOME),
    (with_fields(**{**FORWARD, "to": None}), ProblemType.MISSING_ADDRESS),
    (with_fields(**{**FORWARD, "to": "999999"}), ProblemType.UNKNOWN_ADDRESS),
    (with_fields(**{**WITHDRAWAL, "reason": "x" * 201}), ProblemType.MALFORMED_PROPERTY),
    (with_fields(**{**RATING, "timely": None}), ProblemType.MALFORMED_RATING),
    (with_fields(**{**RATING, "useful": "rather"}), ProblemType.MALFORMED_RATING),
    (with_fields(**{**RATING, "useful": 1}), ProblemType.MALFORMED_PROPERTY),
    (with_fields(content_type="text/plain"), ProblemType.UNSUPPORTED_CONTENT_TYPE),
    (replace(QUERY, payload=b""), ProblemType.PAYLOAD_EMPTY),
    (replace(QUERY, payload=b"x" * (MAX_PAYLOAD_BYTES + 1)), ProblemType.PAYLOAD_TOO_LARGE),
    (replace(QUERY, payload=b'{"subject":"\xff"}'), ProblemType.PAYLOAD_NOT_UTF8),
    (replace(QUERY, payload=b'{"subject":'), ProblemType.PAYLOAD_NOT_JSON),
    (replace(QUERY, payload=b"[" * 100_000), ProblemType.PAYLOAD_NOT_JSON),
    (replace(QUERY, payload=b'{"subject":"x","subject":"x"}'), ProblemType.PAYLOAD_AMBIGUOUS),
    (replace(QUERY, payload=b'{"subject":7}'), ProblemType.PAYLOAD_INVALID),
    (replace(with_fields(content_type="application/jose"), payload=b"{}"), ProblemType.PAYLOAD_INVALID),
]


NEW = (
    ProblemType.UNKNOWN_URGENCY,
    ProblemType.MALFORMED_WRITTEN,
    ProblemType.MALFORMED_RATING,
    ProblemType.MISSING_DUE,
    ProblemType.MISSING_REASON,
    ProblemType.MISSING_CORRELATION_ID,
)
"""What is wrong with the messages about a query, and with what a query says of its urgency and its address's year."""


@pytest.mark.parametrize(("incoming", "problem"), REFUSALS)
def test_what_is_not_let_in_has_its_own_reason(incoming: Incoming, problem: ProblemType) -> None:
    record = admit(incoming, SNAPSHOT, CALENDAR)
    assert isinstance(record, Refused)
    assert record.problem == problem.slug
    assert record.detail


@pytest.mark.parametrize(
    ("incoming", "problem"),
    [(incoming, problem) for incoming, problem in REFUSALS if problem in NEW],
)
def test_the_reason_is_the_same_over_http(incoming: Incoming, problem: ProblemType) -> None:
    record = post(incoming)
    assert isinstance(record, Refused)
    assert record.problem == problem.slug


def test_the_same_message_refused_again_is_the_same_refusal_and_one_without_an_id_is_another() -> None:
    named, nameless = with_fields(kind="x.y"), with_fields(id=None)
    assert admit(named, SNAPSHOT, CALENDAR).id == admit(replace(named, door="http"), SNAPSHOT, CALENDAR).id
    assert admit(nameless, SNAPSHOT, CALENDAR).id != admit(nameless, SNAPSHOT, CALENDAR).id


def test_the_due_date_may_be_today_and_may_be_the_last_day() -> None:
    for due in ("2026-11-24", "2026-12-24"):
        assert isinstance(admit(with_fields(due=due), SNAPSHOT, CALENDAR), Admitted)


def test_the_day_is_the_platforms_not_utc() -> None:
    late = datetime(2026, 11, 24, 16, 30, tzinfo=UTC)
    assert isinstance(admit(replace(with_fields(due="2026-11-24"), arrived_at=late), SNAPSHOT, CALENDAR), Refused)


def test_two_texts_that_say_the_same_have_the_same_digest_and_others_do_not() -> None:
    def digest(payload: bytes, **fields: object) -> bytes:
        record = admit(replace(with_fields(**fields), payload=payload), SNAPSHOT, CALENDAR)
        assert isinstance(record, Admitted)
        return record.digest

    first = digest(b'{"subject": "a", "note": "b"}')
    assert first == digest(b'{"note":"b","subject":"\\u0061"}', traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    assert len({first, digest(b'{"subject":"a"}'), digest(b'{"subject": "a", "note": "b"}', due="2026-12-01")}) == 3


def test_a_sealed_payload_is_taken_as_it_is() -> None:
    sealed = b"eyJhbGciOiJkaXIifQ..AAAA.BBBB.CCCC"
    record = admit(replace(with_fields(content_type="application/jose"), payload=sealed), SNAPSHOT, CALENDAR)
    assert isinstance(record, Admitted)
    assert record.payload == sealed


VALUES = (
    st.none()
    | st.text(max_size=40)
    | st.integers()
    | st.binary(max_size=20)
    | st.lists(st.text(max_size=3), max_size=3)
)


@given(
    st.dictionaries(st.sampled_from(sorted(MEMBERS)), VALUES),
    st.binary(max_size=60) | st.text(max_size=60).map(str.encode),
)
def test_whatever_comes_is_admitted_or_refused_and_nothing_else_happens(
    fields: dict[str, object], payload: bytes
) -> None:
    record = admit(replace(with_fields(**fields), payload=payload), SNAPSHOT, CALENDAR)
    if isinstance(record, Refused):
        assert ProblemType.of(record.problem) in ProblemType


@given(st.text(min_size=8, max_size=60, alphabet=st.characters(codec="utf-8", categories=["L", "N"])))
def test_a_refusal_repeats_nothing_of_the_payload(secret: str) -> None:
    for payload in (f'{{"subject": ["{secret}"]}}', f'{{"{secret}": 1}}', f'{{"subject": "{secret}'):
        record = admit(replace(QUERY, payload=payload.encode()), SNAPSHOT, CALENDAR)
        assert isinstance(record, Refused)
        assert secret not in record.detail
