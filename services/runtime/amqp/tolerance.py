"""Makes pamqp read what RabbitMQ lets participants publish.

pamqp 4.0.1 raises on a short string, a table key or a timestamp that it cannot make sense of. aiormq reads frames in
one task per connection, so that one such message ends the connection; the broker delivers it again on the next one,
which ends too, and so on: whoever may publish could stop the exchange for good. RabbitMQ checks neither UTF-8 nor
timestamps.

So three entries of pamqp's own table of decoders are replaced, process-wide. What pamqp reads today it reads as before;
where it would raise there is now:

- for a table: ``Malformed`` in the place of what cannot be read;
- for a timestamp: ``Malformed``;
- for a short string: a str in which bytes that are not UTF-8 stand as lone surrogates (PEP 383), since what stands in
  pamqp's own frames (consumer tags, routing keys) must stay a string. ``legible`` turns such a str into ``Malformed``.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pamqp import decode

from services.runtime.field_table import read_table, read_timestamp
from services.runtime.ports import Malformed


def tolerate_malformed_properties() -> None:
    """Put the tolerant decoders in place. Doing it again changes nothing."""
    tolerant: dict[str, Callable[..., tuple[int, Any]]] = {
        "shortstr": _short_string,
        "table": read_table,
        "timestamp": _timestamp,
    }
    decode.METHODS.update(tolerant)


def legible(text: str | None) -> str | Malformed | None:
    """``text`` as decoded by the tolerant decoder, or Malformed when it was not UTF-8."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return Malformed(text.encode(errors="surrogateescape"), "not UTF-8")
    return text


def _short_string(value: bytes) -> tuple[int, str]:
    if not value:
        raise ValueError("a short string is cut off")
    end = 1 + value[0]
    return end, value[1:end].decode(errors="surrogateescape")


def _timestamp(value: bytes) -> tuple[int, datetime | Malformed]:
    if len(value) < 8:
        raise ValueError("a timestamp is cut off")
    return 8, read_timestamp(int.from_bytes(value[:8]))
