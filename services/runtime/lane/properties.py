"""Reads the properties of a message, whatever a sender has put into them. Pure.

Source: AMQP 0-9-1 section 4.2.6.1 and the specification's class ``basic``. Nothing raises: what cannot be read becomes
``Malformed`` in its place, as in ``services.runtime.field_table``, to which everything goes that is not usual.
"""

from collections.abc import Callable

from services.runtime.field_table import read_table, read_text, read_timestamp
from services.runtime.ports import Malformed, Properties

_NOTHING: tuple[object, ...] = tuple(Properties())
_TEXT = ord("S")

_Read = Callable[[bytes, int, int], tuple[int, object]]

_present: dict[int, tuple[tuple[int, _Read | None], ...]] = {}


def read_properties(data: bytes, offset: int, end: int) -> Properties:
    """The properties whose flags stand at ``offset``; ``end`` is that of the frame's payload."""
    flags = data[offset] << 8 | data[offset + 1]
    offset += 2
    values = list(_NOTHING)
    for place, read in _present.get(flags) or _places(flags):
        if read is not None:
            offset, values[place] = read(data, offset, end)
            continue
        start = offset + 1
        offset = start + data[offset] if offset < end else end + 1
        if offset > end:
            # Where the others begin is not known.
            values[place] = Malformed(data[start - 1 : end], "cut off")
            break
        try:
            values[place] = data[start:offset].decode()
        except UnicodeDecodeError:
            values[place] = read_text(data[start:offset])
    return tuple.__new__(Properties, values)


def _places(flags: int) -> tuple[tuple[int, _Read | None], ...]:
    """Which properties the flags say are there, and how to read those that are no texts.

    The two lowest bits say nothing, as in RabbitMQ's own reader.
    """
    places = tuple((place, _SPECIAL.get(place)) for place in range(len(_NOTHING)) if flags & 1 << 15 - place)
    # Senders use few of the 16,384 combinations; a hostile one may try them all.
    if len(_present) < 256:
        _present[flags] = places
    return places


def _read_headers(data: bytes, offset: int, end: int) -> tuple[int, object]:
    """A table of nothing but texts, read in one go; any other by ``read_table``."""
    place = offset + 4
    table_end = place + int.from_bytes(data[offset:place])
    if place <= table_end <= end:
        headers: dict[str, object] = {}
        while place < table_end:
            kind = place + 1 + data[place]
            value = kind + 5
            if value > table_end or data[kind] != _TEXT:
                break
            value_end = value + int.from_bytes(data[kind + 1 : value])
            if value_end > table_end:
                break
            try:
                headers[data[place + 1 : kind].decode()] = data[value:value_end].decode()
            except UnicodeDecodeError:
                break
            place = value_end
        else:
            return table_end, headers
    size, table = read_table(data[offset:end])
    return offset + size, table


def _read_octet(data: bytes, offset: int, end: int) -> tuple[int, object]:
    return offset + 1, data[offset] if offset < end else None


def _read_time(data: bytes, offset: int, end: int) -> tuple[int, object]:
    if offset + 8 > end:
        return end, Malformed(data[offset:end], "cut off")
    return offset + 8, read_timestamp(int.from_bytes(data[offset : offset + 8]))


_SPECIAL: dict[int, _Read] = {
    Properties._fields.index("headers"): _read_headers,
    Properties._fields.index("delivery_mode"): _read_octet,
    Properties._fields.index("priority"): _read_octet,
    Properties._fields.index("timestamp"): _read_time,
}
