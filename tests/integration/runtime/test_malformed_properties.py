"""What RabbitMQ lets a participant publish, and aiormq would die of, arrives named, and so does what is behind it."""

import struct
from collections.abc import AsyncIterator

import aio_pika
import pytest
import pytest_asyncio
from aiormq import spec
from aiormq.abc import AbstractChannel
from pamqp import encode

from services.runtime.ports import Broker, Delivery, Malformed
from tests.integration.runtime.behaviour import Hop, take

NOT_UTF8 = b"\xff\xfe"


class RawProperties(spec.Basic.Properties):
    """Properties that go out as the bytes they are made of."""

    def __init__(self, *properties: tuple[str, bytes], further_flags: int = 0) -> None:
        super().__init__()
        self.message_id = "unused"
        self._raw = dict(properties)
        self._further_flags = further_flags

    def marshal(self) -> bytes:
        """The flags and the values, in the specification's order."""
        flags = sum(self.flags[name] for name in self._raw) | self._further_flags
        return struct.pack(">H", flags) + b"".join(self._raw[name] for name in self.flags if name in self._raw)


def short(raw: bytes) -> bytes:
    return bytes((len(raw),)) + raw


def long(raw: bytes) -> bytes:
    return struct.pack(">I", len(raw)) + raw


def headers(*fields: bytes) -> tuple[str, bytes]:
    return "headers", long(b"".join(fields))


def nested(levels: int) -> bytes:
    value = b"V"
    for _ in range(levels):
        value = b"A" + long(value)
    return value


@pytest_asyncio.fixture
async def hostile(url: str, hop: Hop) -> AsyncIterator[AbstractChannel]:
    """A sender's channel. The queue is bound for any key, as the ingress is."""
    exchange = await hop.channel.declare_exchange("any", "topic", durable=True)
    await (await hop.channel.declare_queue("queue", passive=True)).bind(exchange, "#")
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        yield await channel.get_underlay_channel()


async def send(channel: AbstractChannel, properties: spec.Basic.Properties, routing_key: str = "query") -> None:
    result = await channel.basic_publish(b"body", exchange="any", routing_key=routing_key, properties=properties)
    assert isinstance(result, spec.Basic.Ack)


async def receive_with_a_good_one_behind(ports: Broker, hostile: AbstractChannel) -> Delivery:
    """The delivery of what was sent, once the source has handed on a good message behind it, too."""
    await send(hostile, spec.Basic.Properties(message_id="good"))
    async with ports.open_source("queue", size=10, linger=0.01, prefetch=10) as source:
        first, second = await take(source, 2)
        await source.ack(second)
        assert source.alive
    assert second.properties.message_id == "good"
    assert list(second.properties.malformed()) == []
    return first


@pytest.mark.parametrize(
    "name", ["content_type", "content_encoding", "correlation_id", "reply_to", "message_id", "message_type", "app_id"]
)
async def test_a_property_that_is_not_utf8_arrives_named(ports: Broker, hostile: AbstractChannel, name: str) -> None:
    await send(hostile, RawProperties((name, short(b"a" + NOT_UTF8))))

    delivery = await receive_with_a_good_one_behind(ports, hostile)

    assert list(delivery.properties.malformed()) == [
        (name.removeprefix("message_") if name == "message_type" else name, Malformed(b"a\xff\xfe", "not UTF-8"))
    ]
    assert delivery.body == b"body"


@pytest.mark.parametrize("seconds", [2**64 - 1, 2**63, 2**48])
async def test_an_absurd_timestamp_arrives_named(ports: Broker, hostile: AbstractChannel, seconds: int) -> None:
    await send(hostile, RawProperties(("timestamp", struct.pack(">Q", seconds))))

    delivery = await receive_with_a_good_one_behind(ports, hostile)

    assert isinstance(delivery.properties.timestamp, Malformed)


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (short(b"to") + b"S" + long(NOT_UTF8), "headers.to"),
        (short(b"t\xffo") + b"t\x01", "headers.t\\xffo"),
        (short(b"to") + b"T" + b"\xff" * 8, "headers.to"),
        (short(b"to") + b"F" + long(short(b"in") + b"S" + long(NOT_UTF8)), "headers.to.in"),
        (short(b"to") + b"A" + long(b"V" + b"S" + long(NOT_UTF8)), "headers.to[1]"),
        (short(b"to") + nested(20_000), "headers.to" + "[0]" * 16),
    ],
    ids=["text", "name", "timestamp", "nested-table", "array", "deep"],
)
async def test_a_header_that_cannot_be_read_arrives_named(
    ports: Broker, hostile: AbstractChannel, field: bytes, name: str
) -> None:
    await send(hostile, RawProperties(headers(short(b"kind") + b"S" + long(b"residence.verify"), field)))

    delivery = await receive_with_a_good_one_behind(ports, hostile)

    assert [place for place, _ in delivery.properties.malformed()] == [name]
    assert delivery.properties.headers["kind"] == "residence.verify"


async def test_a_routing_key_that_is_not_utf8_arrives_as_such(
    ports: Broker, hostile: AbstractChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setitem(encode.METHODS, "shortstr", lambda text: short(text.encode(errors="surrogateescape")))
        await send(hostile, spec.Basic.Properties(), routing_key=NOT_UTF8.decode(errors="surrogateescape"))

    delivery = await receive_with_a_good_one_behind(ports, hostile)

    assert delivery.routing_key == Malformed(NOT_UTF8, "not UTF-8")


@pytest.mark.parametrize("octet", ["delivery_mode", "priority"])
async def test_an_octet_of_any_value_is_no_hindrance(ports: Broker, hostile: AbstractChannel, octet: str) -> None:
    """Whether the broker takes it is its business; what it takes arrives."""
    await send(hostile, RawProperties((octet, b"\x02" if octet == "delivery_mode" else b"\xff")))

    delivery = await receive_with_a_good_one_behind(ports, hostile)

    assert getattr(delivery.properties, octet) == (2 if octet == "delivery_mode" else 255)


@pytest.mark.parametrize("further_flags", [0b01, 0b10, 0b11])
async def test_flags_that_mean_nothing_to_the_broker_are_no_hindrance(
    ports: Broker, hostile: AbstractChannel, further_flags: int
) -> None:
    """The lowest one says that more flags follow, of which the broker knows nothing: it takes the value for a value."""
    await send(hostile, RawProperties(("message_id", short(b"an id")), further_flags=further_flags))

    delivery = await receive_with_a_good_one_behind(ports, hostile)

    assert delivery.properties.message_id == "an id"
