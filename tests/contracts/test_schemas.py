"""The JSON Schemas of the contract, held against the code that reads and writes the messages."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, assert_never

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from contracts.batch import Admitted, Outbound
from contracts.envelope import (
    MAX_REASON_CHARACTERS,
    MEMBERS,
    MEMBERS_OF,
    OUTCOMES_WITH_REASON,
    RECEIPT,
    REMINDER,
    ExtensionReply,
    MessageType,
    Outcome,
    Urgency,
    read_envelope,
)
from contracts.problems import Problem, ProblemError, ProblemType
from contracts.reminders import DEFAULT_POLICY, reminder_steps
from services.ledger.orders import BY_HAND, PASSED_ON
from services.ledger.outbound import reminder
from services.ledger.receipts import receipt_message
from services.ledger.records import MessageState, Receipt
from services.router.addressing import Placement
from services.router.inbox_message import inbox_publication
from services.runtime.ports import Publication
from tests.contracts.schemas import documents, validator
from tests.unit.ledger.lives import (
    CALENDAR,
    DUE,
    START,
    Ledger,
    admitted,
    batch,
    dispatched,
    query,
    received,
    reply,
)

# What draft-07 and 2020-12 read alike; `definitions` is an unknown and harmless word to 2020-12, and still refers.
_COMMON_WORDS = {
    *("$schema", "$ref", "title", "description", "definitions", "type", "enum", "const", "pattern", "format"),
    *("properties", "required", "additionalProperties", "items", "oneOf", "allOf", "if", "then", "else"),
    *("minLength", "maxLength", "minimum", "maximum"),
}
_PROPERTY_OF_FIELD = {
    "id": "message_id",
    "type": "type",
    "correlation_id": "correlation_id",
    "content_type": "content_type",
}
_SENT = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
_ID = "0197a3c2-5d00-7000-8000-000000000001"
_FIELDS: dict[str, list[str | float | None]] = {
    "id": [_ID, _ID.upper(), "1", None],
    "correlation_id": [_ID, "not-a-uuid", None],
    "content_type": ["application/json", "application/jose", "text/plain", None],
    "to": ["41", "4101", "410102", "410102001", "410102.health", "410", "410102.", "410102.Health", None],
    "kind": ["case.assist", None],
    "from": ["410102", "41010", None],
    "due": ["2026-12-24", "2026-02-30", "20261224", "24.12.2026", None],
    "urgency": [*Urgency, "high", None],
    "written": [1981, "1981", 1899, 2099, 2100, "81", "1981 ", True, None],
    "sequence": [1, "1", 10**15 - 1, 10**15, str(10**15 - 1), 0, "0", "01", -1, 1.5, True, None],
    "outcome": [*Outcome, *ExtensionReply, "perhaps", None],
    "timely": ["yes", "no", True, False, "maybe", 1, None],
    "useful": ["yes", "no", True, False, "Yes", 0, None],
    "reason": ["why", "x" * MAX_REASON_CHARACTERS, "x" * (MAX_REASON_CHARACTERS + 1), None],
    "traceparent": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None],
}
_STEPS = reminder_steps(DEFAULT_POLICY, DUE, CALENDAR, since=START)
_LEFT_OUT_BY_SENDERS = {"reason", "traceparent"}
_ON_SOME = {MessageType.QUERY: {"urgency", "forwarded_by"}, MessageType.EXTENSION: {"due", "outcome"}}
"""Headers of delivered messages that come with some messages of a type: see the schemas' descriptions."""


@pytest.mark.parametrize("name", documents())
def test_each_schema_is_draft_07_and_uses_no_word_that_2020_12_reads_otherwise(name: str) -> None:
    schema = documents()[name]

    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert set(_words(schema)) <= _COMMON_WORDS


def test_the_lists_in_the_schemas_are_those_of_the_code() -> None:
    parts = documents()["envelope.json"]["definitions"]
    with_reason = documents()["answer.json"]["properties"]["headers"]["if"]["properties"]["outcome"]["enum"]

    assert parts["outcome"]["enum"] == [outcome.value for outcome in Outcome]
    assert parts["extensionReply"]["enum"] == [reply.value for reply in ExtensionReply]
    assert parts["urgency"]["enum"] == [urgency.value for urgency in Urgency]
    assert set(with_reason) == {outcome.value for outcome in OUTCOMES_WITH_REASON}
    assert parts["reason"]["maxLength"] == MAX_REASON_CHARACTERS
    assert {f"{type}.json" for type in MessageType} <= documents().keys()


def test_every_member_of_the_contract_is_tried() -> None:
    assert _FIELDS.keys() | {"type"} == MEMBERS


@settings(max_examples=500)
@given(type=st.sampled_from(MessageType), data=st.data())
def test_a_schema_takes_a_message_exactly_when_the_envelope_reader_does(type: MessageType, data: st.DataObject) -> None:
    drawn = {
        name: data.draw(st.sampled_from(values), label=name)
        for name, values in _FIELDS.items()
        if name in MEMBERS_OF[type]
    }
    fields: Mapping[str, object] = {name: value for name, value in drawn.items() if value is not None} | {
        "type": type.value
    }

    assert _schema_takes(type, fields) == _reader_takes(fields)


@pytest.mark.parametrize("type", MessageType)
def test_what_the_router_delivers_follows_the_schema_and_every_header_stands_in_it(type: MessageType) -> None:
    publications = [inbox_publication(message, Placement("410102", "410102")) for message in _outbound(type)]
    schema = documents()[f"delivered-{type}.json"]["properties"]["headers"]

    for publication in publications:
        assert list(validator(f"delivered-{type}.json").iter_errors(_as_delivered(publication))) == []
    assert {name for publication in publications for name in publication.headers} == schema["properties"].keys()
    # A delivered message can hold more than this only where the sender may leave it out, or where it says something.
    optional = _LEFT_OUT_BY_SENDERS | _ON_SOME.get(type, set())
    assert set(schema["properties"]) - set(schema["required"]) <= optional


def test_a_receipt_as_the_ledger_makes_it_follows_its_schema() -> None:
    receipt = Receipt(uuid.uuid4(), "410102")
    receipt.accepted.append((uuid.uuid4(), 7))
    receipt.duplicate.append(uuid.uuid4())
    receipt.refused += [(uuid.uuid4(), "unknown-kind", "why"), (None, "missing-message-id", "why")]
    message = receipt_message(receipt, {7: bytes(32)}, datetime.now(UTC))
    publication = inbox_publication(message, Placement("410102", "410102"))

    assert message.type == RECEIPT
    assert list(validator("receipt.json").iter_errors(msgspec.json.decode(message.payload))) == []
    assert set(publication.headers) == {"received_at"}
    assert set(documents()["delivered-receipt.json"]["properties"]["headers"]["properties"]) == {"received_at"}


@pytest.mark.parametrize("said", [{}, {"reason": "no-longer-needed: the matter is urgent"}])
@pytest.mark.parametrize("step", [BY_HAND, PASSED_ON, *(step.name for step in _STEPS)])
def test_a_reminder_as_the_ledger_makes_it_follows_its_schema(step: str, said: dict[str, str]) -> None:
    query = _query_on_the_ledger()
    message = reminder(query, step=step, key="1", address="4101", at=datetime.now(UTC), **said)
    publication = inbox_publication(message, Placement("4101", "4101"))
    headers = documents()["delivered-reminder.json"]["properties"]["headers"]

    assert message.type == REMINDER
    assert list(validator("reminder.json").iter_errors(msgspec.json.decode(message.payload))) == []
    assert list(validator("delivered-reminder.json").iter_errors(_as_delivered(publication))) == []
    assert publication.headers.keys() == headers["properties"].keys() == set(headers["required"])


@pytest.mark.parametrize("type", ProblemType)
def test_every_problem_follows_its_schema(type: ProblemType) -> None:
    assert list(validator("problem.json").iter_errors(Problem(type, "what to do").to_dict())) == []


def _words(schema: object) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _words(item)
    if not isinstance(schema, dict):
        return
    for word, value in schema.items():
        yield word
        if word in ("properties", "definitions"):
            for inner in value.values():
                yield from _words(inner)
        elif word not in ("enum", "const"):
            yield from _words(value)


def _schema_takes(type: MessageType, fields: Mapping[str, object]) -> bool:
    properties = {_PROPERTY_OF_FIELD[name]: value for name, value in fields.items() if name in _PROPERTY_OF_FIELD}
    headers = {name: value for name, value in fields.items() if name not in _PROPERTY_OF_FIELD}
    return validator(f"{type}.json").is_valid({"properties": properties | {"user_id": "410102"}, "headers": headers})


def _reader_takes(fields: Mapping[str, object]) -> bool:
    try:
        read_envelope(fields)
    except ProblemError:
        return False
    return True


def _as_delivered(publication: Publication) -> dict[str, Any]:
    properties = {
        "message_id": publication.message_id,
        "type": publication.type,
        "content_type": publication.content_type,
        "delivery_mode": 2,
        **({"correlation_id": publication.correlation_id} if publication.correlation_id else {}),
    }
    return {"properties": properties, "headers": dict(publication.headers)}


def _query_on_the_ledger() -> MessageState:
    """A query that was received."""
    ledger = Ledger()
    return ledger.messages[received(ledger).id]


def _outbound(type: MessageType) -> list[Outbound]:
    """Messages with everything in them that the ledger can hand over for their type."""
    ledger = Ledger()
    asked = query(**_SENT, urgent=True)
    if type is MessageType.QUERY:
        handed_on = reply(MessageType.FORWARD, asked, written_to="410103", address="410103", reason="why", **_SENT)
        return [*_handed_over(ledger, asked), *_handed_over(ledger, handed_on, of=MessageType.QUERY)]
    if type is MessageType.NOTICE:
        told = admitted(type, "310115", kind="service.notice", written_to="410102", address="410102", **_SENT)
        return _handed_over(ledger, told)
    ledger.take(batch(asked))
    ledger.take(dispatched(asked))
    match type:
        case MessageType.ANSWER:
            replies = [reply(type, asked, outcome="partial", reason="why", **_SENT)]
        case MessageType.ACKNOWLEDGEMENT:
            replies = [reply(type, asked, **_SENT)]
        case MessageType.EXTENSION:
            asks = reply(type, asked, due=DUE + timedelta(days=1), reason="why", **_SENT)
            replies = [asks, reply(type, asked, asked.sender, outcome="refused", reason="why", **_SENT)]
        case MessageType.FORWARD:
            replies = [reply(type, asked, written_to="410103", address="410103", reason="why", **_SENT)]
        case MessageType.WITHDRAWAL:
            replies = [reply(type, asked, asked.sender, reason="why", **_SENT)]
        case MessageType.RATING:
            ledger.take(batch(reply(MessageType.ANSWER, asked, outcome="confirmed")))
            replies = [reply(type, asked, asked.sender, timely=True, useful=False, **_SENT)]
        case _:
            assert_never(type)
    return [message for said in replies for message in _handed_over(ledger, said)]


def _handed_over(ledger: Ledger, record: Admitted, *, of: MessageType | None = None) -> list[Outbound]:
    """What goes to the router because of ``record``, of its own type or another."""
    (handover,) = ledger.take(batch(record)).handovers
    messages = [message for message in handover.messages if message.type == (of or record.type)]
    assert messages
    return messages
