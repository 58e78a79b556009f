"""The leaf: the bytes that stand for one entry of the ledger in its Merkle tree, and back.

A leaf is one JSON object in its canonical form, ``{"at":…,"data":…,"event":…,"index":…,"message":…,"v":1}``. The form
is that of RFC 8785 for the subset used here: objects whose names are ASCII, arrays, strings, integers that every reader
of JSON holds exactly, true, false and null. There is exactly one way to write a leaf, so that whoever makes it anew
from an entry's columns makes the same bytes. docs/proof-log.md says what each event's data holds.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

VERSION = 1
"""The version of the leaf's format. A leaf says its own, and is read by that version's rules for ever."""

MAX_LEAF_BYTES = 1024
MAX_INTEGER = 2**53 - 1
"""The largest integer that every reader of JSON holds exactly (RFC 8785, section 3.2.2.3; RFC 7493, section 2.2)."""

TABLE_KEY = ("role", "address", "tier", "kind")
"""What tells the rows of a closed month's table apart, and orders them."""

TABLE_COUNTS = (
    "received",
    "answered",
    "on_time",
    "on_time_original",
    "substantive",
    "unanswered",
    "withdrawn",
    "forwarded",
)

_DEEPEST = 8
_PLAIN = frozenset({str, bool, type(None), msgspec.Raw})
_MEMBERS = {"v", "index", "at", "event", "message", "data"}
_EVENT = re.compile(r"[a-z]+(?:-[a-z]+)*")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_ENCODER = msgspec.json.Encoder(order="sorted")


class LeafError(ValueError):
    """What cannot be written as a leaf, or bytes that are none. The text names members, never their values."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry: its place in the log, when it was made (aware), what happened to which message, and what was said."""

    index: int
    at: datetime
    event: str
    message_id: UUID | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Totals:
    """A cohort's running totals from the first entry up to the one that states them.

    ``on_time``, ``on_time_original`` and ``substantive`` are parts of ``answered``. Subtraction gives what an entry
    moved.
    """

    received: int = 0
    answered: int = 0
    on_time: int = 0
    on_time_original: int = 0
    substantive: int = 0
    withdrawn: int = 0
    forwarded: int = 0

    @property
    def unanswered(self) -> int:
        """What was received and has come to no end; it is not written down, because the others give it."""
        return self.received - self.answered - self.withdrawn - self.forwarded

    @property
    def possible(self) -> bool:
        """Whether there can be such totals: nothing negative, and no part larger than its whole."""
        parts = (self.on_time, self.on_time_original, self.substantive)
        ends = (self.withdrawn, self.forwarded, self.unanswered)
        return min(*parts, *ends) >= 0 and max(parts) <= self.answered

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(getattr(self, name) + getattr(other, name) for name in _TOTALS))

    def __sub__(self, other: "Totals") -> "Totals":
        return Totals(*(getattr(self, name) - getattr(other, name) for name in _TOTALS))

    def to_dict(self) -> dict[str, int]:
        """The totals as a leaf holds them."""
        return {name: getattr(self, name) for name in _TOTALS}

    @classmethod
    def from_dict(cls, value: object) -> "Totals":
        """The totals that a leaf holds. Raises LeafError unless they are the seven counts, none of them negative."""
        if not isinstance(value, dict) or set(value) != set(_TOTALS):
            raise LeafError(f"totals are the counts {', '.join(_TOTALS)}")
        if not all(_is_count(count) for count in value.values()):
            raise LeafError("a total is a whole number, and not negative")
        return cls(**value)


_TOTALS = tuple(field.name for field in fields(Totals))


def encode_leaf(leaf: Leaf) -> bytes:
    """The leaf's bytes. Raises LeafError for what has no canonical form, or one of more than MAX_LEAF_BYTES."""
    return leaf_bytes(leaf.index, leaf.at, leaf.event, leaf.message_id, encode_data(leaf.data))


def encode_data(data: Mapping[str, Any]) -> bytes:
    """What an entry says, as its leaf holds it. A member may be written already (``msgspec.Raw``). Raises LeafError."""
    plain = data if type(data) is dict else dict(data)
    _check_object(plain, _DEEPEST - 1)
    return _written(plain)


def leaf_bytes(index: int, at: datetime, event: str, message_id: UUID | None, data: bytes) -> bytes:
    """The leaf that holds ``data``, which ``encode_data`` has written. Raises LeafError as ``encode_leaf`` does."""
    if not _is_count(index):
        raise LeafError("index is a whole number, and not negative")
    if not _EVENT.fullmatch(event):
        raise LeafError("event is words in lower case, joined by hyphens")
    message = b"null" if message_id is None else b'"%b"' % str(message_id).encode()
    # The members in their canonical order.
    encoded = b'{"at":"%b","data":%b,"event":"%b","index":%d,"message":%b,"v":%d}' % (
        _moment_text(at),
        data,
        event.encode(),
        index,
        message,
        VERSION,
    )
    if len(encoded) > MAX_LEAF_BYTES:
        raise LeafError(f"a leaf has at most {MAX_LEAF_BYTES} bytes, not {len(encoded)}")
    return encoded


def decode_leaf(data: bytes) -> Leaf:
    """The leaf that ``data`` holds. Raises LeafError unless they are exactly the bytes that ``encode_leaf`` writes."""
    if len(data) > MAX_LEAF_BYTES:
        raise LeafError(f"a leaf has at most {MAX_LEAF_BYTES} bytes, not {len(data)}")
    value = parse_canonical(data)
    if not isinstance(value, dict) or value.get("v") != VERSION or type(value["v"]) is not int:
        raise LeafError(f"this is no leaf of version {VERSION}")
    if set(value) != _MEMBERS:
        raise LeafError(f"a leaf has the members {', '.join(sorted(_MEMBERS))}")
    if not _is_count(value["index"]):
        raise LeafError("index is a whole number, and not negative")
    event, said = value["event"], value["data"]
    if not isinstance(event, str) or not _EVENT.fullmatch(event):
        raise LeafError("event is words in lower case, joined by hyphens")
    if not isinstance(said, dict):
        raise LeafError("data is an object")
    return Leaf(value["index"], _moment(value["at"]), event, _message_id(value["message"]), said)


def canonical(value: object) -> bytes:
    """``value`` in canonical JSON. Raises LeafError for what lies outside the subset, such as a float."""
    _check(value, _DEEPEST)
    return _written(value)


def parse_canonical(data: bytes) -> Any:
    """What ``data`` says. Raises LeafError unless it is JSON in exactly its canonical form."""
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise LeafError("this is not JSON") from None
    # Names that stand twice, white space, escapes, floats: whatever was not canonical comes out differently.
    if canonical(value) != data:
        raise LeafError("this is JSON, but not in its canonical form")
    return value


def closing_table(rows: Iterable[Mapping[str, Any]]) -> tuple[bytes, ...]:
    """The table of a closed month: a canonical line for each cohort, without its line feed, in order of TABLE_KEY.

    A row has TABLE_KEY, ``period`` and TABLE_COUNTS; what else it has is left out. Raises LeafError for a row that
    lacks one of them or comes twice.
    """
    members = (*TABLE_KEY, "period", *TABLE_COUNTS)
    keyed: dict[tuple[str, ...], bytes] = {}
    for row in rows:
        if not all(member in row for member in members):
            raise LeafError(f"a row of the table has {', '.join(members)}")
        key = tuple(str(row[name]) for name in TABLE_KEY)
        if key in keyed:
            raise LeafError("the table has two rows for one cohort")
        keyed[key] = canonical({member: row[member] for member in members})
    return tuple(keyed[key] for key in sorted(keyed))


def table_digest(lines: Sequence[bytes]) -> str:
    """What a closing's leaf says of its table: SHA-256 of all lines, each with a line feed, in lower-case hex."""
    return hashlib.sha256(b"".join(line + b"\n" for line in lines)).hexdigest()


def _written(value: object) -> bytes:
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        raise LeafError("a text holds half of a surrogate pair, which has no form in UTF-8") from None


def _check(value: object, deepest: int) -> None:
    form = type(value)
    if form in _PLAIN:
        return
    if isinstance(value, int):
        # By exact type: a bool was plain, and what other subclasses write is their own affair.
        if form is not int or not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise LeafError("an integer is too large for every reader of JSON to hold it")
    elif isinstance(value, dict):
        _check_object(value, deepest)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, _deeper(deepest))
    elif not (isinstance(value, Enum) and isinstance(value, str)):
        raise LeafError(f"a {form.__name__} has no canonical form here")


def _check_object(value: dict[Any, Any], deepest: int) -> None:
    # Every leaf goes through here: what is plain is passed over without a call.
    below = _deeper(deepest)
    try:
        ascii_only = "".join(value).isascii()
    except TypeError:
        ascii_only = False
    if not ascii_only:
        raise LeafError("the names of an object's members are ASCII texts")
    for item in value.values():
        form = type(item)
        if form in _PLAIN or (form is int and 0 <= item <= MAX_INTEGER):
            continue
        _check(item, below)


def _deeper(deepest: int) -> int:
    if deepest == 0:
        raise LeafError(f"this is nested more than {_DEEPEST} deep")
    return deepest - 1


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_INTEGER


def _moment_text(at: datetime) -> bytes:
    if at.tzinfo is None:
        raise LeafError("at has no zone")
    try:
        return _utc_text(at.astimezone(UTC))
    except OverflowError:
        raise LeafError("at lies outside what dates can hold") from None


@lru_cache(maxsize=16)
def _utc_text(at: datetime) -> bytes:
    # The entries of one transaction have one time.
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z".encode()


def _moment(text: object) -> datetime:
    if not isinstance(text, str) or not _MOMENT.fullmatch(text):
        raise LeafError("at is a moment in UTC with microseconds, such as 2026-11-24T10:00:00.000000Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise LeafError("at is no moment that there is") from None


def _message_id(text: object) -> UUID | None:
    if text is None:
        return None
    try:
        message_id = UUID(text if isinstance(text, str) else "")
    except ValueError:
        raise LeafError("message is a UUID or null") from None
    if str(message_id) != text:
        raise LeafError("message is a UUID in lower case, with hyphens")
    return message_id
