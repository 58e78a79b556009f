"""Reads an AMQP field table, whatever a sender has put into it. Pure.

Sources: AMQP 0-9-1 section 4.2.5.5, and RabbitMQ's list of the field types in use (amqp-0-9-1-errata).

What cannot be read becomes ``Malformed`` in its place and never an exception: the table comes from a participant. A
value that is wrong but has an end (a text that is not UTF-8, a timestamp beyond the calendar) spoils only itself. Where
the end of a value cannot be known (an unknown type, a length that leads outside) the rest of that table is given up.
Every byte is looked at once and the depth is bounded, so that a hostile table costs no more than its size.
"""

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

from services.runtime.ports import Malformed

MAX_DEPTH = 16
"""Deeper nesting is given up: no honest sender needs it, and a frame has room for 26,000 levels."""

_MILLISECONDS_FROM = 0xFFFFFFFF
_UNSIGNED_32 = struct.Struct(">I")
_DECIMAL = struct.Struct(">BI")
_TIMESTAMP = struct.Struct(">Q")


def read_text(raw: bytes) -> str | Malformed:
    """A text in UTF-8, which AMQP's strings are by agreement."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return Malformed(raw, "not UTF-8")


def read_timestamp(seconds: int) -> datetime | Malformed:
    """A timestamp in seconds, or in milliseconds when it would otherwise lie beyond the year 2106 (as pamqp has it)."""
    try:
        return datetime.fromtimestamp(seconds / 1000 if seconds > _MILLISECONDS_FROM else seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return Malformed(_TIMESTAMP.pack(seconds), "a timestamp beyond the calendar")


_FIXED: dict[int, tuple[struct.Struct, Callable[..., object]]] = {
    ord("t"): (struct.Struct(">B"), bool),
    ord("b"): (struct.Struct(">b"), int),
    ord("B"): (struct.Struct(">B"), int),
    ord("s"): (struct.Struct(">h"), int),
    ord("u"): (struct.Struct(">H"), int),
    ord("I"): (struct.Struct(">i"), int),
    ord("i"): (_UNSIGNED_32, int),
    ord("l"): (struct.Struct(">q"), int),
    ord("L"): (struct.Struct(">q"), int),
    ord("f"): (struct.Struct(">f"), float),
    ord("d"): (struct.Struct(">d"), float),
    ord("D"): (_DECIMAL, lambda scale, digits: Decimal(digits).scaleb(-scale)),
    ord("T"): (_TIMESTAMP, read_timestamp),
    ord("V"): (struct.Struct(""), lambda: None),
    0: (struct.Struct(""), lambda: None),
}


def read_table(data: bytes, offset: int = 0) -> tuple[int, dict[str, object]]:
    """The table that starts at ``offset`` with its length, and the offset behind it."""
    end, fault = _read_end(data, offset, len(data))
    table = _read_fields(data, offset + 4, end, depth=0)
    return end, {**table, "": fault} if fault else table


def _read_end(data: bytes, offset: int, limit: int) -> tuple[int, Malformed | None]:
    """Where what starts at ``offset`` with its length ends; the limit, and a fault, when it would lead outside."""
    if offset + 4 > limit:
        return limit, Malformed(data[offset:limit], "cut off")
    end = offset + 4 + int(_UNSIGNED_32.unpack_from(data, offset)[0])
    return (end, None) if end <= limit else (limit, Malformed(data[offset:limit], "longer than what holds it"))


def _read_fields(data: bytes, offset: int, end: int, depth: int) -> dict[str, object]:
    table: dict[str, object] = {}
    while offset < end:
        name_end = offset + 1 + data[offset]
        raw_name = data[offset + 1 : min(name_end, end)]
        name = raw_name.decode(errors="backslashreplace")
        if name_end >= end:
            table[name] = Malformed(raw_name, "cut off")
            return table
        offset, value = _read_value(data, name_end, end, depth)
        table[name] = value if isinstance(read_text(raw_name), str) else Malformed(raw_name, "its name is not UTF-8")
    return table


def _read_items(data: bytes, offset: int, end: int, depth: int) -> list[object]:
    items: list[object] = []
    while offset < end:
        offset, value = _read_value(data, offset, end, depth)
        items.append(value)
    return items


def _read_value(data: bytes, offset: int, end: int, depth: int) -> tuple[int, object]:
    """The value whose type stands at ``offset``, and the offset behind it; ``end`` when that cannot be known."""
    kind = data[offset]
    if kind in _FIXED:
        layout, build = _FIXED[kind]
        if offset + 1 + layout.size > end:
            return end, Malformed(data[offset:end], "cut off")
        return offset + 1 + layout.size, build(*layout.unpack_from(data, offset + 1))
    if kind in b"SxFA":
        return _read_sized(kind, data, offset + 1, end, depth)
    return end, Malformed(data[offset:end], f"of the unknown type {bytes((kind,))!r}")


def _read_sized(kind: int, data: bytes, offset: int, limit: int, depth: int) -> tuple[int, object]:
    end, fault = _read_end(data, offset, limit)
    if fault:
        return end, fault
    start = offset + 4
    if kind == ord("S"):
        return end, read_text(data[start:end])
    if kind == ord("x"):
        return end, data[start:end]
    if depth == MAX_DEPTH:
        return end, Malformed(data[start:end], f"nested more than {MAX_DEPTH} levels deep")
    return end, (_read_fields if kind == ord("F") else _read_items)(data, start, end, depth + 1)
