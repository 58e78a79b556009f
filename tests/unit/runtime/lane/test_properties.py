"""The lane reads properties as the other implementation does, whatever is in them."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import header

from services.runtime.amqp import source as other
from services.runtime.amqp.tolerance import tolerate_malformed_properties
from services.runtime.lane.properties import read_properties
from services.runtime.ports import Malformed, Properties
from tests.fuzz.targets import framed

tolerate_malformed_properties()


def by_the_other(data: bytes) -> str:
    read = header.ContentHeader()
    read.unmarshal(bytes(12) + data)
    return shown(other._properties(read.properties))  # noqa: SLF001


def shown(properties: Properties) -> str:
    """As text, in which a number that is none is like itself; pamqp has a text where there is no cluster's id."""
    return repr(properties._replace(headers=dict(properties.headers), cluster_id=properties.cluster_id or None))


def short(raw: bytes) -> bytes:
    return bytes((len(raw),)) + raw


def table(*fields: bytes) -> bytes:
    content = b"".join(fields)
    return struct.pack(">I", len(content)) + content


def text_field(name: bytes, value: bytes) -> bytes:
    return short(name) + b"S" + struct.pack(">I", len(value)) + value


@settings(deadline=None, max_examples=600)
@given(st.binary(max_size=150).map(framed))
def test_whatever_a_broker_passes_on_is_read_as_by_the_other(data: bytes) -> None:
    assert shown(read_properties(data, 0, len(data))) == by_the_other(data)


fields = st.one_of(
    st.builds(text_field, st.binary(max_size=6), st.binary(max_size=6)),
    st.builds(lambda name, number: short(name) + b"l" + struct.pack(">q", number), st.binary(max_size=6), st.just(7)),
    st.builds(
        lambda name, size: short(name) + b"S" + struct.pack(">I", size), st.binary(max_size=6), st.integers(0, 40)
    ),
    st.binary(max_size=8),
)


@settings(deadline=None, max_examples=600)
@given(st.lists(fields, max_size=6), st.booleans())
def test_tables_are_read_as_by_the_other(parts: list[bytes], more: bool) -> None:
    data = (b"\x20\x80" + table(*parts) + short(b"id")) if more else (b"\x20\x00" + table(*parts))

    assert shown(read_properties(data, 0, len(data))) == by_the_other(data)


def test_what_lies_before_and_behind_is_not_read() -> None:
    data = b"\x20\x80" + table(text_field(b"to", b"410102")) + short(b"id")

    inside = read_properties(b"xx" + data + b"yyyy", 2, 2 + len(data))

    assert inside == Properties(headers={"to": "410102"}, message_id="id")


@pytest.mark.parametrize(
    ("data", "properties"),
    [
        (b"\x80\x00", Properties(content_type=Malformed(b"", "cut off"))),
        (b"\x80\x00\x05ab", Properties(content_type=Malformed(b"\x05ab", "cut off"))),
        (b"\x90\x00\x05ab", Properties(content_type=Malformed(b"\x05ab", "cut off"))),
        (b"\x20\x00\0", Properties(headers={"": Malformed(b"\0", "cut off")})),
        (b"\x20\x00", Properties(headers={"": Malformed(b"", "cut off")})),
        (b"\x00\x40\0\0", Properties(timestamp=Malformed(b"\0\0", "cut off"))),
        (b"\x10\x00", Properties()),
        (b"\x80\x03\x01a", Properties(content_type="a")),
    ],
)
def test_what_is_cut_off_is_named(data: bytes, properties: Properties) -> None:
    # What follows belongs to the next frame.
    assert read_properties(data + bytes(300), 0, len(data)) == properties
