"""The leaf: its published vectors, its size, and that there is exactly one way to write it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from importlib.resources import files
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.leaf import (
    MAX_INTEGER,
    MAX_LEAF_BYTES,
    Leaf,
    LeafError,
    Totals,
    canonical,
    closing_table,
    decode_leaf,
    encode_leaf,
    parse_canonical,
    table_digest,
)
from contracts.merkle import leaf_hash
from services.ledger.transitions import Event
from tests.unit.contracts.leaf_samples import MEMBERS, longest_leaf, usual_leaf

VECTORS = json.loads(files("contracts").joinpath("vectors/leaves.json").read_text("utf-8"))
CLOSING = json.loads(files("contracts").joinpath("vectors/closing.json").read_text("utf-8"))

values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), inner)
    ),
    max_leaves=12,
)
"""What can be written, and some that is nested too deep."""


def leaf_of(value: dict[str, Any]) -> Leaf:
    message = None if value["message"] is None else UUID(value["message"])
    return Leaf(value["index"], datetime.fromisoformat(value["at"]), value["event"], message, value["data"])


@pytest.mark.parametrize("vector", VECTORS["leaves"], ids=lambda vector: vector["about"])
def test_a_leaf_is_written_and_read_as_the_vectors_say(vector: dict[str, Any]) -> None:
    leaf = leaf_of(vector["leaf"])
    encoded = vector["bytes"].encode()
    assert encode_leaf(leaf) == encoded
    assert decode_leaf(encoded) == leaf
    assert leaf_hash(encoded).hex() == vector["hash"]


@pytest.mark.parametrize("vector", VECTORS["not_leaves"], ids=lambda vector: vector["why"])
def test_what_the_vectors_call_no_leaf_is_none(vector: dict[str, Any]) -> None:
    with pytest.raises(LeafError):
        decode_leaf(vector["bytes"].encode())


def test_there_is_a_vector_for_every_event_as_it_is_usual() -> None:
    assert sorted(MEMBERS) == sorted(Event)
    usual = [usual_leaf(event, index) for index, event in enumerate(MEMBERS)]
    assert [leaf_of(vector["leaf"]) for vector in VECTORS["leaves"][: len(MEMBERS)]] == usual


@pytest.mark.parametrize("event", MEMBERS)
def test_the_longest_leaf_of_every_event_is_short_enough(event: str) -> None:
    longest = longest_leaf(event)
    assert len(encode_leaf(usual_leaf(event, 1))) < len(encode_leaf(longest)) <= MAX_LEAF_BYTES
    assert decode_leaf(encode_leaf(longest)) == longest


@given(values)
def test_whatever_is_written_is_what_another_writer_of_canonical_json_writes(value: object) -> None:
    try:
        encoded = canonical(value)
    except LeafError as error:
        assert "deep" in str(error)  # noqa: PT017 - the only reason there can be.
        return
    assert encoded == json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert parse_canonical(encoded) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\u0019ab-.e', max_size=40).map(str.encode))
def test_whatever_is_read_is_written_the_same_or_refused(data: bytes) -> None:
    try:
        value = parse_canonical(data)
    except LeafError:
        return
    assert canonical(value) == data


@given(st.data())
def test_a_leaf_with_a_byte_altered_is_none_or_another_one(data: st.DataObject) -> None:
    event = data.draw(st.sampled_from(sorted(MEMBERS)))
    leaf = usual_leaf(event, 5)
    encoded = bytearray(encode_leaf(leaf))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = decode_leaf(bytes(encoded))
    except LeafError:
        return
    assert read != leaf
    assert encode_leaf(read) == bytes(encoded)


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        MAX_INTEGER + 1,
        -MAX_INTEGER - 1,
        2**80,
        b"bytes",
        {1, 2},
        {1: "a"},
        {"é": 1},
        {None: 1},
        {"a": object()},
        "half of a pair \ud83d",
        {"a": ["\udc00"]},
        datetime(2026, 11, 24, tzinfo=UTC),
        uuid4(),
        [[[[[[[[[1]]]]]]]]],
    ],
)
def test_what_has_no_canonical_form_is_not_written(value: object) -> None:
    with pytest.raises(LeafError):
        canonical(value)
    with pytest.raises(LeafError):
        encode_leaf(replace(usual_leaf("parked", 0), data={"a": value}))


def test_the_members_of_an_enumeration_of_texts_are_texts() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert canonical({"colour": Colour.RED}) == b'{"colour":"red"}'
    assert encode_leaf(replace(usual_leaf("rated", 0), event=Event.RATED)) == encode_leaf(usual_leaf("rated", 0))


@pytest.mark.parametrize(
    "changes",
    [
        {"index": -1},
        {"index": True},
        {"index": MAX_INTEGER + 1},
        {"event": ""},
        {"event": "Rated"},
        {"event": "rated-"},
        {"at": datetime(2026, 11, 24)},  # noqa: DTZ001 - a moment without a zone is what is refused here.
        {"at": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))},
        {"data": {"text": "x" * MAX_LEAF_BYTES}},
    ],
)
def test_what_is_no_leaf_is_not_written(changes: dict[str, Any]) -> None:
    with pytest.raises(LeafError):
        encode_leaf(replace(usual_leaf("rated", 0), **changes))


@pytest.mark.parametrize(
    "data",
    [b"", b"null", b"[]", b"\xff", b'"\xed\xa0\x80"', b"[" * 900 + b"]" * 900, b"1" * 500, b"{}" * 600, b'{"v":null}'],
)
def test_bytes_that_are_no_leaf_are_refused(data: bytes) -> None:
    with pytest.raises(LeafError):
        decode_leaf(data)


def test_a_moment_in_another_zone_is_written_in_utc() -> None:
    at = datetime(2026, 11, 24, 18, 0, 0, 5, timezone(timedelta(hours=8)))
    assert b'"at":"2026-11-24T10:00:00.000005Z"' in encode_leaf(replace(usual_leaf("rated", 0), at=at))


def test_totals_are_added_subtracted_and_stored() -> None:
    totals = Totals(received=5, answered=2, on_time=1, withdrawn=1, forwarded=1)
    assert totals.unanswered == 1
    assert Totals.from_dict(totals.to_dict()) == totals
    assert totals + Totals(received=1) - totals == Totals(received=1)
    assert totals.possible
    assert not (totals + Totals(withdrawn=2)).possible
    assert not (totals + Totals(on_time=2)).possible
    assert not (totals - Totals(forwarded=2)).possible


@pytest.mark.parametrize(
    "value", [None, [], {}, {"received": 1}, {**Totals().to_dict(), "more": 1}, {**Totals().to_dict(), "answered": -1}]
)
def test_what_are_no_totals_are_refused(value: object) -> None:
    with pytest.raises(LeafError):
        Totals.from_dict(value)


def test_the_table_of_a_closed_month_is_written_as_the_vector_says() -> None:
    lines = closing_table({**row, "id": 7} for row in CLOSING["rows"])
    assert [line.decode() for line in lines] == CLOSING["lines"]
    assert table_digest(lines) == CLOSING["sha256"]
    assert closing_table(reversed(CLOSING["rows"])) == lines


def test_a_table_with_a_cohort_twice_or_a_count_missing_is_not_written() -> None:
    row = CLOSING["rows"][0]
    with pytest.raises(LeafError, match="two rows"):
        closing_table([row, row])
    with pytest.raises(LeafError, match="has role, address"):
        closing_table([{name: value for name, value in row.items() if name != "forwarded"}])
