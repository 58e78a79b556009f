"""What a broker says, as bytes: written here by pamqp and by hand, and not by the code under test."""

import struct
from collections.abc import Sequence

from pamqp import base, body, commands, frame, header

CHANNEL = 1


def method(said: base.Frame, channel: int = CHANNEL) -> bytes:
    return frame.marshal(said, channel)


def raw_frame(kind: int, payload: bytes, channel: int = CHANNEL) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def content(properties: commands.Basic.Properties, parts: Sequence[bytes]) -> bytes:
    size = sum(map(len, parts))
    said = frame.marshal(header.ContentHeader(0, size, properties), CHANNEL)
    return said + b"".join(frame.marshal(body.ContentBody(part), CHANNEL) for part in parts)


def raw_content(flags_and_values: bytes, text: bytes) -> bytes:
    said = raw_frame(2, struct.pack(">HHQ", 60, 0, len(text)) + flags_and_values)
    return said + (raw_frame(3, text) if text else b"")


def delivery(
    tag: int,
    parts: Sequence[bytes] = (b"body",),
    properties: commands.Basic.Properties | None = None,
    *,
    key: str = "key",
    redelivered: bool = False,
) -> bytes:
    deliver = commands.Basic.Deliver("consumer", tag, redelivered, "exchange", key)
    return method(deliver) + content(properties or commands.Basic.Properties(), parts)


def returned(text: bytes, properties: commands.Basic.Properties | None = None, key: str = "key") -> bytes:
    said = method(commands.Basic.Return(312, "NO_ROUTE", "out", key))
    return said + content(properties or commands.Basic.Properties(), [text] if text else [])


def ack(tag: int, *, multiple: bool = False) -> bytes:
    return method(commands.Basic.Ack(tag, multiple))


def nack(tag: int, *, multiple: bool = False) -> bytes:
    return method(commands.Basic.Nack(tag, multiple, requeue=False))
