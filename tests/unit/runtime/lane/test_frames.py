"""A stream of any split is cut into the same messages, and what is no stream raises one named error."""

import struct
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pamqp import commands

from services.runtime.lane.frames import (
    FRAME_MAX,
    MAX_BODY,
    Confirm,
    Cut,
    Cutter,
    Event,
    ProtocolViolationError,
    Rare,
    Returned,
)
from services.runtime.ports import Delivery, Malformed, Properties
from tests.unit.runtime.lane import stream

HEARTBEAT = stream.raw_frame(8, b"", channel=0)
DELIVER = stream.method(commands.Basic.Deliver("c", 1, False, "", "key"))

THOROUGH = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def cut_all(*reads: bytes) -> Cut:
    cutter = Cutter()
    deliveries: list[Delivery] = []
    events: list[Event] = []
    for read in reads:
        cut = cutter.cut(read)
        deliveries += cut.deliveries
        events += cut.events
    return Cut(deliveries, events)


texts = st.text(max_size=40).filter(lambda text: len(text.encode()) < 200)
tags = st.integers(1, 2**63 - 1)
bodies = st.lists(st.binary(min_size=1, max_size=60), max_size=4)
properties = st.builds(
    commands.Basic.Properties,
    content_type=st.none() | texts,
    headers=st.none() | st.dictionaries(texts.filter(bool), st.none() | texts | st.integers(-(2**63), 2**63 - 1)),
    correlation_id=st.none() | texts,
    message_id=st.none() | texts,
    message_type=st.none() | texts,
    delivery_mode=st.none() | st.just(2),
)
pieces = st.one_of(
    st.builds(stream.delivery, tags, bodies, properties, key=texts, redelivered=st.booleans()),
    st.builds(stream.returned, st.binary(max_size=60), properties, texts),
    st.builds(stream.ack, tags, multiple=st.booleans()),
    st.builds(stream.nack, tags, multiple=st.booleans()),
    st.just(HEARTBEAT),
    st.just(stream.method(commands.Connection.Blocked("low on memory"), channel=0)),
    st.just(stream.method(commands.Channel.Close(404, "NOT_FOUND", 60, 40))),
)


@st.composite
def splits(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


@THOROUGH
@given(st.data(), st.lists(pieces, max_size=8).map(b"".join))
def test_any_split_of_a_stream_gives_the_same(data: st.DataObject, said: bytes) -> None:
    whole = cut_all(said)

    assert cut_all(*data.draw(splits(said))) == whole
    assert cut_all(*(said[place : place + 1] for place in range(len(said)))) == whole


@THOROUGH
@given(tags, bodies, properties, texts, st.booleans())
def test_a_delivery_is_read_as_pamqp_wrote_it(
    tag: int, parts: list[bytes], sent: commands.Basic.Properties, key: str, redelivered: bool
) -> None:
    (delivery,) = cut_all(stream.delivery(tag, parts, sent, key=key, redelivered=redelivered)).deliveries

    assert (delivery.tag, delivery.body, delivery.routing_key, delivery.redelivered) == (
        tag,
        b"".join(parts),
        key,
        redelivered,
    )
    read = delivery.properties
    assert read.headers == (sent.headers or {})
    assert (read.content_type, read.correlation_id, read.message_id, read.type, read.delivery_mode) == (
        # pamqp leaves out a text that is empty.
        sent.content_type or None,
        sent.correlation_id or None,
        sent.message_id or None,
        sent.message_type or None,
        sent.delivery_mode,
    )
    assert list(read.malformed()) == []


def test_confirms_returns_and_the_rest_come_in_the_order_of_the_wire() -> None:
    blocked = stream.method(commands.Connection.Blocked("low"), channel=0)

    events = cut_all(
        stream.ack(3, multiple=True) + stream.returned(b"x", key="nowhere") + stream.nack(4) + HEARTBEAT + blocked
    ).events

    assert events == [
        Confirm(3, multiple=True, acked=True),
        Returned("nowhere", Properties(), b"x"),
        Confirm(4, multiple=False, acked=False),
        Rare(blocked),
    ]


def test_a_routing_key_that_is_not_utf8_arrives_as_such() -> None:
    deliver = b"\0<\0<" + b"\1c" + struct.pack(">QB", 1, 0) + b"\0" + b"\2\xff\xfe"

    (delivery,) = cut_all(stream.raw_frame(1, deliver) + stream.raw_content(b"\0\0", b"body")).deliveries

    assert delivery.routing_key == Malformed(b"\xff\xfe", "not UTF-8")


def test_a_body_in_the_largest_frames_arrives_whole() -> None:
    parts = [bytes((number,)) * (FRAME_MAX - 8) for number in range(3)]

    (delivery,) = cut_all(stream.delivery(1, [*parts, b"end"])).deliveries

    assert delivery.body == b"".join(parts) + b"end"


@pytest.mark.parametrize(
    "said",
    [
        b"AMQP\0\0\x09\x01",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        struct.pack(">BHI", 3, 1, FRAME_MAX),
        struct.pack(">BHI", 1, 1, 2**32 - 1),
        stream.raw_frame(4, b"x"),
        stream.ack(1)[:-1] + b"\0",
        stream.raw_frame(1, b"\0<\0P\0"),
        stream.raw_frame(1, stream.ack(1)[7:-1] + b"\0"),
        stream.raw_frame(1, stream.ack(1)[7:-1], channel=2),
        stream.raw_frame(1, b"\0<\0<"),
        stream.raw_frame(1, DELIVER[7:-2]),
        stream.raw_frame(1, DELIVER[7:-1] + b"x"),
        DELIVER + stream.ack(1),
        DELIVER + DELIVER,
        DELIVER + stream.raw_frame(3, b"body"),
        DELIVER + stream.raw_frame(2, struct.pack(">HHQ", 60, 0, 1)),
        DELIVER + stream.raw_frame(2, struct.pack(">HHQH", 50, 0, 1, 0)),
        DELIVER + stream.raw_frame(2, struct.pack(">HHQH", 60, 0, MAX_BODY + 1, 0)),
        DELIVER + stream.raw_frame(2, struct.pack(">HHQH", 60, 0, 2**64 - 1, 0)),
        DELIVER + stream.raw_frame(2, struct.pack(">HHQH", 60, 0, 3, 0)) + stream.raw_frame(3, b"body"),
        DELIVER + stream.raw_frame(2, struct.pack(">HHQH", 60, 0, 3, 0)) + stream.raw_frame(3, b""),
        DELIVER + 2 * stream.raw_frame(2, struct.pack(">HHQH", 60, 0, 3, 0)),
        stream.raw_frame(2, struct.pack(">HHQH", 60, 0, 3, 0)),
        stream.raw_frame(3, b"body"),
    ],
)
def test_what_no_broker_says_is_a_violation_whatever_its_split(said: bytes) -> None:
    for more in (b"", 9 * HEARTBEAT):
        with pytest.raises(ProtocolViolationError):
            cut_all(said + more)
    with pytest.raises(ProtocolViolationError):
        cut_all(*(said[place : place + 1] for place in range(len(said))), HEARTBEAT)


def test_a_violation_is_seen_before_what_it_announces_has_come() -> None:
    with pytest.raises(ProtocolViolationError, match="frame of 131065 bytes where 131064 are the most"):
        cut_all(struct.pack(">BHIB", 3, 1, FRAME_MAX - 7, 0))


def test_a_smaller_limit_is_kept_to_once_it_was_agreed_on() -> None:
    cutter = Cutter()
    cutter.limit(4096)

    with pytest.raises(ProtocolViolationError, match="4088 are the most"):
        cutter.cut(stream.delivery(1, [bytes(4089)]))


@settings(THOROUGH, max_examples=400)
@given(st.data(), st.lists(pieces, min_size=1, max_size=6).map(b"".join))
def test_hostile_bytes_raise_the_one_named_error_or_nothing(data: st.DataObject, said: bytes) -> None:
    """A stream with pieces of it overwritten, cut out or put in anywhere."""
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(said)))
        end = data.draw(st.integers(start, min(len(said), start + 12)))
        said = said[:start] + data.draw(st.binary(max_size=12)) + said[end:]
    try:
        whole: Cut | None = cut_all(said)
    except ProtocolViolationError:
        whole = None
    try:
        assert cut_all(*data.draw(splits(said))) == whole
    except ProtocolViolationError:
        assert whole is None


@settings(THOROUGH, max_examples=400)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_raise_the_one_named_error_or_nothing(said: bytes) -> None:
    with suppress(ProtocolViolationError):
        cut_all(said)


@settings(THOROUGH, max_examples=400)
@given(st.binary(min_size=2, max_size=120), st.binary(max_size=9))
def test_properties_of_any_kind_arrive(flags_and_values: bytes, text: bytes) -> None:
    """They are a participant's making, and what a participant makes loses no line."""
    said = DELIVER + stream.raw_content(flags_and_values, text)

    (delivery,) = cut_all(said + HEARTBEAT).deliveries

    assert delivery.body == text
    list(delivery.properties.malformed())


def test_a_frame_that_comes_byte_by_byte_is_looked_at_when_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    cut_frames = Cutter._cut_frames  # noqa: SLF001

    def counting(self: Cutter, data: bytes) -> int:
        looks.append(len(data))
        return cut_frames(self, data)

    monkeypatch.setattr(Cutter, "_cut_frames", counting)
    said = stream.delivery(1, [bytes(FRAME_MAX - 8)])

    (delivery,) = cut_all(*(said[place : place + 1] for place in range(len(said)))).deliveries

    assert len(delivery.body) == FRAME_MAX - 8
    # Three frames, each at its first byte, when its size is known, and at its end.
    assert len(looks) <= 9
