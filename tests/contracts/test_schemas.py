"""The JSON Schemas of the contract, held against the code that reads and writes the messages."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from contracts.batch import Outbound
from contracts.envelope import MAX_REASON_CHARACTERS, OUTCOMES_WITH_REASON, RECEIPT, MessageType, Outcome, read_envelope
from contracts.problems import Problem, ProblemError, ProblemType
from services.ledger.receipts import receipt_message
from services.ledger.records import Receipt
from services.router.addressing import Placement
from services.router.inbox_message import inbox_publication
from tests.contracts.schemas import documents, validator

# What draft-07 and 2020-12 read alike; `definitions` is an unknown and harmless word to 2020-12, and still refers.
_COMMON_WORDS = {
    *("$schema", "$ref", "title", "description", "definitions", "type", "enum", "const", "pattern", "format"),
    *("properties", "required", "additionalProperties", "items", "oneOf", "allOf", "if", "then"),
    *("minLength", "maxLength", "minimum", "maximum"),
}
_PROPERTY_OF_FIELD = {
    "id": "message_id",
    "type": "type",
    "correlation_id": "correlation_id",
    "content_type": "content_type",
}
_ID = "0197a3c2-5d00-7000-8000-000000000001"
_FIELDS: dict[str, list[str | None]] = {
    "id": [_ID, _ID.upper(), "1", None],
    "correlation_id": [_ID, "not-a-uuid", None],
    "content_type": ["application/json", "application/jose", "text/plain", None],
    "to": ["41", "4101", "410102", "410102001", "410102.health", "410", "410102.", "410102.Health", None],
    "kind": ["case.assist", None],
    "from": ["410102", "41010", None],
    "due": ["2026-12-24", "2026-02-30", "20261224", "24.12.2026", None],
    "outcome": [*Outcome, "perhaps", None],
    "reason": ["why", "x" * MAX_REASON_CHARACTERS, "x" * (MAX_REASON_CHARACTERS + 1), None],
    "traceparent": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", None],
}
_READ_BY = {
    MessageType.QUERY: {"id", "content_type", "to", "kind", "from", "due"},
    MessageType.NOTICE: {"id", "content_type", "to", "kind", "from"},
    MessageType.ANSWER: {"id", "content_type", "correlation_id", "from", "outcome", "reason"},
}


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
    assert set(with_reason) == {outcome.value for outcome in OUTCOMES_WITH_REASON}
    assert parts["reason"]["maxLength"] == MAX_REASON_CHARACTERS
    assert {f"{type}.json" for type in MessageType} <= documents().keys()


@settings(max_examples=500)
@given(type=st.sampled_from(MessageType), data=st.data())
def test_a_schema_takes_a_message_exactly_when_the_envelope_reader_does(type: MessageType, data: st.DataObject) -> None:
    drawn = {
        name: data.draw(st.sampled_from(values), label=name)
        for name, values in _FIELDS.items()
        if name in _READ_BY[type]
    }
    fields: dict[str, str] = {name: value for name, value in drawn.items() if value is not None} | {"type": type.value}

    assert _schema_takes(type, fields) == _reader_takes(fields)


@pytest.mark.parametrize("type", MessageType)
def test_what_the_router_delivers_follows_the_schema_and_every_header_stands_in_it(type: MessageType) -> None:
    publication = inbox_publication(_outbound(type), Placement("410102", "410102"))
    message = {
        "properties": {
            "message_id": publication.message_id,
            "type": publication.type,
            "content_type": publication.content_type,
            "delivery_mode": 2,
            **({"correlation_id": publication.correlation_id} if publication.correlation_id else {}),
        },
        "headers": dict(publication.headers),
    }
    schema = documents()[f"delivered-{type}.json"]["properties"]["headers"]

    assert list(validator(f"delivered-{type}.json").iter_errors(message)) == []
    assert publication.headers.keys() == schema["properties"].keys()
    # A delivered message can hold more than this only where the sender may leave it out.
    assert set(schema["properties"]) - set(schema["required"]) <= {"reason", "traceparent"}


def test_a_receipt_as_the_ledger_makes_it_follows_its_schema() -> None:
    receipt = Receipt(uuid.uuid4(), "410102")
    receipt.accepted.append((uuid.uuid4(), 7))
    receipt.duplicate.append(uuid.uuid4())
    receipt.refused += [(uuid.uuid4(), "unknown-kind", "why"), (None, "missing-message-id", "why")]
    message = receipt_message(receipt, datetime.now(UTC))
    publication = inbox_publication(message, Placement("410102", "410102"))

    assert message.type == RECEIPT
    assert list(validator("receipt.json").iter_errors(msgspec.json.decode(message.payload))) == []
    assert set(publication.headers) == {"received_at"}
    assert set(documents()["delivered-receipt.json"]["properties"]["headers"]["properties"]) == {"received_at"}


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


def _outbound(type: MessageType) -> Outbound:
    """A message with everything in it that the ledger can hand over for its type."""
    now = datetime.now(UTC)
    common: dict[str, Any] = {
        "id": uuid.uuid4(),
        "type": type,
        "address": "410102",
        "origin": "110101",
        "content_type": "application/json",
        "payload": b"{}",
        "received_at": now,
        "entry": 0,
        "kind": "case.assist",
        "tier": "national",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    match type:
        case MessageType.QUERY:
            return Outbound(**common, written_to="410102", due=date(2026, 12, 24))
        case MessageType.NOTICE:
            return Outbound(**common, written_to="410102")
        case MessageType.ANSWER:
            return Outbound(**common, correlation_id=uuid.uuid4(), outcome="partial", reason="why")
