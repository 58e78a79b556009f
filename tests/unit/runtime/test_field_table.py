"""Field tables of any making are read to their end, and what cannot be read is named."""

import struct
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import decode, encode

from services.runtime.field_table import MAX_DEPTH, read_table
from services.runtime.ports import Malformed, Properties


def table(*fields: bytes) -> bytes:
    content = b"".join(fields)
    return struct.pack(">I", len(content)) + content


def field(name: bytes, value: bytes) -> bytes:
    return bytes((len(name),)) + name + value


def text(value: bytes) -> bytes:
    return b"S" + struct.pack(">I", len(value)) + value


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.text(max_size=20)
    | st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=0)
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=9), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=20), values, max_size=5))
def test_what_pamqp_writes_and_reads_is_read_the_same(headers: dict[str, object]) -> None:
    raw = encode.field_table(headers)  # type: ignore[arg-type]

    assert read_table(raw) == decode.field_table(raw)


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise(content: bytes) -> None:
    end, fields = read_table(struct.pack(">I", len(content)) + content)

    assert end == len(content) + 4
    list(Properties(headers=fields).malformed())


@given(st.binary(max_size=60))
def test_not_even_without_a_length_that_fits(raw: bytes) -> None:
    end, _ = read_table(raw)

    assert end <= max(len(raw), 4)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"t\x01", True),
        (b"b\xff", -1),
        (b"B\xff", 255),
        (b"s\xff\xff", -1),
        (b"u\xff\xff", 65535),
        (b"I\xff\xff\xff\xff", -1),
        (b"i\xff\xff\xff\xff", 2**32 - 1),
        (b"l" + b"\xff" * 8, -1),
        (b"L" + b"\xff" * 8, -1),
        (b"f" + struct.pack(">f", 1.5), 1.5),
        (b"d" + struct.pack(">d", 1.1), 1.1),
        (b"D\x02" + struct.pack(">I", 12345), Decimal("123.45")),
        (text("县".encode()), "县"),
        (b"x" + struct.pack(">I", 2) + b"\xff\x00", b"\xff\x00"),
        (b"T" + struct.pack(">Q", 0), datetime(1970, 1, 1, tzinfo=UTC)),
        (b"V", None),
        (b"\x00", None),
        (b"A" + table(b"V", b"t\x00"), [None, False]),
        (b"F" + table(field(b"k", b"t\x01")), {"k": True}),
    ],
)
def test_every_field_type_in_use_is_read(value: bytes, expected: object) -> None:
    assert read_table(table(field(b"it", value), field(b"after", b"t\x01")))[1] == {"it": expected, "after": True}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (text(b"\xff\xfe"), "not UTF-8"),
        (b"T" + b"\xff" * 8, "a timestamp beyond the calendar"),
        (b"T" + struct.pack(">Q", 2**63), "a timestamp beyond the calendar"),
    ],
)
def test_a_wrong_value_spoils_only_itself(value: bytes, reason: str) -> None:
    _, fields = read_table(table(field(b"it", value), field(b"after", b"t\x01")))

    assert fields["after"] is True
    assert [(name, fault.reason) for name, fault in Properties(headers=fields).malformed()] == [("headers.it", reason)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"q\x00", "of the unknown type b'q'"),
        (b"S\xff\xff\xff\xffabc", "longer than what holds it"),
        (b"l\x00", "cut off"),
        (b"S\x00", "cut off"),
    ],
)
def test_a_value_without_an_end_gives_up_the_rest_and_says_so(value: bytes, reason: str) -> None:
    _, fields = read_table(table(field(b"before", b"t\x01"), field(b"it", value)))

    assert fields["before"] is True
    assert [(name, fault.reason) for name, fault in Properties(headers=fields).malformed()] == [("headers.it", reason)]


def test_a_nested_fault_is_named_by_its_path() -> None:
    inner = field(b"list", b"A" + table(b"V", b"F" + table(field(b"k", text(b"\xff")))))

    _, fields = read_table(table(inner))

    assert [name for name, _ in Properties(headers=fields).malformed()] == ["headers.list[1].k"]


def test_a_name_that_is_not_utf8_is_shown_escaped() -> None:
    _, fields = read_table(table(field(b"na\xffme", b"t\x01")))

    assert fields == {"na\\xffme": Malformed(b"na\xffme", "its name is not UTF-8")}


def test_nesting_as_deep_as_a_frame_holds_is_given_up_at_the_bound() -> None:
    nested = b"V"
    for _ in range(20_000):
        nested = b"A" + table(nested)

    _, fields = read_table(table(field(b"deep", nested), field(b"after", b"t\x01")))

    assert fields["after"] is True
    ((name, fault),) = Properties(headers=fields).malformed()
    assert name == "headers.deep" + "[0]" * MAX_DEPTH
    assert fault.reason == f"nested more than {MAX_DEPTH} levels deep"
