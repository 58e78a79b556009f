"""Writes publishes as frames. Pure.

Source: AMQP 0-9-1 sections 4.2.3 to 4.2.6. What repeats is written once: the method frame by the routing key, the names
of headers.
"""

import struct
from collections.abc import Mapping

from services.runtime.lane.frames import BODY, CHANNEL, END, HEADER, METHOD, OVERHEAD
from services.runtime.ports import Publication

_FRAME = struct.Struct(">BHI")
_CONTENT = struct.Struct(">BHIHHQH")
_TAG_FRAME = struct.Struct(">BHIHHQBB")
_LENGTH = struct.Struct(">I")
_END = bytes((END,))
_CONTENT_BYTES = 14
_BASIC, _PUBLISH, _ACK = 60, 40, 80
_MANDATORY = 1
_MULTIPLE = 1
_PERSISTENT = b"\x02"
_REMEMBERED = 4096

# The flags of the properties, from the first one, content-type, down.
_CONTENT_TYPE, _HEADERS, _DELIVERY_MODE, _CORRELATION_ID, _MESSAGE_ID, _TYPE = (
    1 << 15 - place for place in (0, 2, 3, 5, 8, 10)
)

HEARTBEAT_FRAME = _FRAME.pack(8, 0, 0) + _END


class Writer:
    """Writes the publishes to one exchange, in frames of ``frame_max`` bytes at most."""

    def __init__(self, exchange: str, frame_max: int) -> None:
        self._exchange = _short(exchange)
        self._largest = frame_max - OVERHEAD
        self._methods: dict[str, bytes] = {}
        self._names: dict[str, bytes] = {}

    def write(self, publication: Publication) -> bytes:
        """The frames of a publish, persistent and mandatory. Raises ValueError when it cannot be written down."""
        method = self._methods.get(publication.routing_key) or self._write_method(publication.routing_key)
        properties, flags = self._write_properties(publication)
        body = publication.body
        size = len(body)
        header = _CONTENT.pack(HEADER, CHANNEL, _CONTENT_BYTES + len(properties), _BASIC, 0, size, flags)
        if _CONTENT_BYTES + len(properties) > self._largest:
            raise ValueError("the headers of a message are larger than a frame")
        if not size:
            return b"".join((method, header, properties, _END))
        if size <= self._largest:
            return b"".join((method, header, properties, _END, _FRAME.pack(BODY, CHANNEL, size), body, _END))
        parts = [method, header, properties, _END]
        for start in range(0, size, self._largest):
            part = body[start : start + self._largest]
            parts += (_FRAME.pack(BODY, CHANNEL, len(part)), part, _END)
        return b"".join(parts)

    def _write_method(self, routing_key: str) -> bytes:
        arguments = b"".join((b"\0\0", self._exchange, _short(routing_key), bytes((_MANDATORY,))))
        payload = struct.pack(">HH", _BASIC, _PUBLISH) + arguments
        return _remember(self._methods, routing_key, _FRAME.pack(METHOD, CHANNEL, len(payload)) + payload + _END)

    def _write_properties(self, publication: Publication) -> tuple[bytes, int]:
        flags = _DELIVERY_MODE
        parts: list[bytes] = []
        if publication.content_type is not None:
            flags |= _CONTENT_TYPE
            parts.append(_short(publication.content_type))
        if publication.headers:
            flags |= _HEADERS
            parts.append(self._write_table(publication.headers))
        parts.append(_PERSISTENT)
        for text, flag in (
            (publication.correlation_id, _CORRELATION_ID),
            (publication.message_id, _MESSAGE_ID),
            (publication.type, _TYPE),
        ):
            if text is not None:
                flags |= flag
                parts.append(_short(text))
        return b"".join(parts), flags

    def _write_table(self, headers: Mapping[str, str | int]) -> bytes:
        parts: list[bytes] = [b""]
        for name, value in headers.items():
            parts.append(self._names.get(name) or _remember(self._names, name, _short(name)))
            if isinstance(value, str):
                text = value.encode()
                parts += (b"S", _LENGTH.pack(len(text)), text)
            else:
                parts.append(_number(value))
        parts[0] = _LENGTH.pack(sum(map(len, parts)))
        return b"".join(parts)


def ack_frame(tag: int) -> bytes:
    """``basic.ack`` for everything up to ``tag``."""
    return _TAG_FRAME.pack(METHOD, CHANNEL, 13, _BASIC, _ACK, tag, _MULTIPLE, END)


def _short(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 255:
        raise ValueError("a text is longer than 255 bytes; AMQP has no room for it")
    return bytes((len(raw),)) + raw


def _number(value: int) -> bytes:
    if isinstance(value, bool):
        return b"t\1" if value else b"t\0"
    if -(2**31) <= value < 2**31:
        return b"I" + struct.pack(">i", value)
    if -(2**63) <= value < 2**63:
        return b"l" + struct.pack(">q", value)
    raise ValueError("a number in the headers has more than 64 bits")


def _remember(memory: dict[str, bytes], text: str, written: bytes) -> bytes:
    if len(memory) >= _REMEMBERED:
        memory.clear()
    memory[text] = written
    return written
