"""Cuts what a broker sends into deliveries, confirms and the rest. Pure: bytes in, lists out.

Source: AMQP 0-9-1 section 4.2.3 (frames) and 4.2.6 (content). One pass over each read, by offsets into it; what is not
complete yet is kept for the next read. Kept is at most one frame and one message's body, which has ``max_body`` bytes.
Whatever else comes raises ``ProtocolViolationError``, and the cutter is of no further use.
"""

import struct
from typing import NamedTuple

from services.runtime.field_table import read_text
from services.runtime.lane.properties import read_properties
from services.runtime.ports import Delivery, Malformed, Properties

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
END = 0xCE
OVERHEAD = 8
"""The bytes of a frame beside its payload."""

CHANNEL = 1
"""The number of the only channel there is."""

FRAME_MAX = 131_072
"""The largest frame that is taken, in bytes, and so the largest that is negotiated. RabbitMQ's own default."""

MAX_BODY = 128 * 1024**2
"""The largest body that is taken, in bytes: the most that RabbitMQ 3.10 is set up to let in (``max_message_size``)."""

_FRAME = struct.Struct(">BHI")
_TAG = struct.Struct(">QB")
_CONTENT = struct.Struct(">HHQ")
_BASIC = 60
_DELIVER, _RETURN, _ACK, _NACK = b"\0<\0<", b"\0<\x002", b"\0<\0P", b"\0<\0x"
_CONFIRM_BYTES = 13


class ProtocolViolationError(Exception):
    """What came is not what a broker sends. The text says what is wrong with it, and holds none of it."""


class Confirm(NamedTuple):
    """``basic.ack`` or ``basic.nack``: what became of one publish, or of all up to it."""

    tag: int
    multiple: bool
    acked: bool


class Returned(NamedTuple):
    """``basic.return`` with its content: a message that no queue is bound for."""

    routing_key: str | Malformed
    properties: Properties
    body: bytes


class Rare(NamedTuple):
    """Any other method, as the frame it came in."""

    frame: bytes


Event = Confirm | Returned | Rare


class Cut(NamedTuple):
    """What was complete by the end of a read. Each list is in the order of the wire."""

    deliveries: list[Delivery]
    events: list[Event]


class _Content:
    """A message of which not all is there yet. Without a delivery tag it is a returned one."""

    __slots__ = ("missing", "parts", "properties", "redelivered", "routing_key", "tag")

    def __init__(self, routing_key: str | Malformed, tag: int | None = None, redelivered: bool = False) -> None:
        self.routing_key = routing_key
        self.tag = tag
        self.redelivered = redelivered
        self.properties: Properties | None = None
        self.missing = 0
        self.parts: list[bytes] = []


class Cutter:
    """Takes the bytes of one connection, read by read."""

    def __init__(self, max_body: int = MAX_BODY) -> None:
        self._largest = FRAME_MAX - OVERHEAD
        self._max_body = max_body
        self._rest = bytearray()
        self._awaited = 0
        self._content: _Content | None = None
        self._keys: dict[bytes, str | Malformed] = {}
        self._cut = Cut([], [])

    def limit(self, frame_max: int) -> None:
        """Take no larger frames than these from now on."""
        self._largest = frame_max - OVERHEAD

    def cut(self, read: bytes) -> Cut:
        """What is complete with these bytes. Raises ProtocolViolationError."""
        data = read
        if self._rest:
            self._rest += read
            if len(self._rest) < self._awaited:
                return Cut([], [])
            data = bytes(self._rest)
        self._cut = cut = Cut([], [])
        try:
            offset = self._cut_frames(data)
        except (IndexError, struct.error):
            raise ProtocolViolationError("a frame whose parts lead outside it") from None
        self._rest = bytearray(memoryview(data)[offset:])
        return cut

    def _cut_frames(self, data: bytes) -> int:
        """Take all whole frames, and return where the first one starts that is not whole."""
        offset, length, largest = 0, len(data), self._largest
        while length - offset >= _FRAME.size:
            kind, channel, size = _FRAME.unpack_from(data, offset)
            if size > largest:
                raise ProtocolViolationError(f"a frame of {size} bytes where {largest} are the most")
            start = offset + _FRAME.size
            end = start + size
            if end >= length:
                self._awaited = size + OVERHEAD
                return offset
            if data[end] != END:
                raise ProtocolViolationError("a frame that does not end where it says")
            if kind == BODY:
                self._take_body(data, start, end, channel)
            elif kind == HEADER:
                self._take_header(data, start, end, channel)
            elif kind == METHOD:
                self._take_method(data, start, end, channel)
            elif kind != HEARTBEAT:
                raise ProtocolViolationError(f"a frame of the unknown type {kind}")
            offset = end + 1
        self._awaited = _FRAME.size
        return offset

    def _take_method(self, data: bytes, start: int, end: int, channel: int) -> None:
        if self._content is not None:
            raise ProtocolViolationError("a method in the middle of a message")
        method = data[start : start + 4]
        if channel != CHANNEL:
            if channel:
                raise ProtocolViolationError(f"a frame on channel {channel}, which is not open")
        elif method == _DELIVER:
            tag_at = start + 5 + data[start + 4]
            tag, redelivered = _TAG.unpack_from(data, tag_at)
            key_at = tag_at + 10 + data[tag_at + 9]
            self._content = _Content(self._routing_key(data, key_at, end), tag, bool(redelivered))
            return
        elif method in (_ACK, _NACK):
            if end - start != _CONFIRM_BYTES:
                raise ProtocolViolationError("a confirm of the wrong size")
            tag, bits = _TAG.unpack_from(data, start + 4)
            self._cut.events.append(Confirm(tag, bool(bits & 1), method == _ACK))
            return
        elif method == _RETURN:
            exchange_at = start + 7 + data[start + 6]
            self._content = _Content(self._routing_key(data, exchange_at + 1 + data[exchange_at], end))
            return
        self._cut.events.append(Rare(data[start - 7 : end + 1]))

    def _routing_key(self, data: bytes, at: int, end: int) -> str | Malformed:
        raw = data[at + 1 : at + 1 + data[at]]
        if at + 1 + len(raw) != end or len(raw) != data[at]:
            raise ProtocolViolationError("a frame whose parts lead outside it")
        key = self._keys.get(raw)
        if key is None:
            key = read_text(raw)
            # The keys of a queue are few; a hostile sender's may be many.
            if len(self._keys) < 1024:
                self._keys[raw] = key
        return key

    def _take_header(self, data: bytes, start: int, end: int, channel: int) -> None:
        content = self._content
        if content is None or content.properties is not None or channel != CHANNEL:
            raise ProtocolViolationError("a content header where none is due")
        kind, _, size = _CONTENT.unpack_from(data, start)
        if kind != _BASIC or end - start < _CONTENT.size + 2:
            raise ProtocolViolationError("a content header that is none")
        if size > self._max_body:
            raise ProtocolViolationError(f"a message of {size} bytes where {self._max_body} are the most")
        content.properties = read_properties(data, start + _CONTENT.size, end)
        content.missing = size
        if not size:
            self._complete(content, content.properties, b"")

    def _take_body(self, data: bytes, start: int, end: int, channel: int) -> None:
        content = self._content
        if content is None or content.properties is None or channel != CHANNEL:
            raise ProtocolViolationError("a body where none is due")
        part = data[start:end]
        content.missing -= len(part)
        if content.missing < 0 or not part:
            raise ProtocolViolationError("a body of another size than was said")
        if content.missing:
            content.parts.append(part)
        else:
            self._complete(content, content.properties, b"".join((*content.parts, part)) if content.parts else part)

    def _complete(self, content: _Content, properties: Properties, body: bytes) -> None:
        self._content = None
        if content.tag is None:
            self._cut.events.append(Returned(content.routing_key, properties, body))
        else:
            # Made as the tuple that it is, which takes half as long.
            values = (body, content.routing_key, content.redelivered, content.tag, properties)
            self._cut.deliveries.append(tuple.__new__(Delivery, values))
