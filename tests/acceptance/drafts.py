"""Messages as a sender writes them, right or wrong, and how they look at each of the two doors.

A draft is a mapping of the contract's names, ``user_id`` and ``payload`` (bytes) among them. A text may hold the
surrogate ``NOT_UTF8``, which goes out as the byte FF.
"""

import json
import struct
import uuid
from collections.abc import Mapping
from typing import Any

from aiormq import spec
from pamqp.encode import encode_table_value

MARKER = "payload-marker-7c1f0d52"
"""Stands in every payload of these tests. It must turn up in no log and no metric."""

NOT_UTF8 = "\udcff"
LARGEST_PAYLOAD_BYTES = 256 * 1024

Draft = dict[str, Any]

_PROPERTY_OF = {
    "id": "message_id",
    "type": "message_type",
    "correlation_id": "correlation_id",
    "content_type": "content_type",
    "user_id": "user_id",
}
_NO_HEADERS = {*_PROPERTY_OF, "payload", "body"}


def payload(size: int | None = None, **members: object) -> bytes:
    """A JSON object that ``case.assist`` and ``service.notice`` take, filled up to ``size`` bytes."""
    text = json.dumps({"subject": MARKER, **members}, ensure_ascii=False)
    if size is not None:
        filling = "x" * (size - len(text.encode()))
        text = json.dumps({"subject": MARKER + filling, **members}, ensure_ascii=False)
    return text.encode()


def changed(draft: Mapping[str, Any], changes: Mapping[str, Any]) -> Draft:
    """``draft`` with ``changes``; a trailing underscore is dropped from a name, a member that becomes None is left
    out.
    """
    members = {**draft, **{name.removesuffix("_"): value for name, value in changes.items()}}
    return {name: value for name, value in members.items() if value is not None}


def query(to: str, **changes: Any) -> Draft:
    """A query that is right, but for the changes."""
    draft = {"id": str(uuid.uuid4()), "type": "query", "to": to, "kind": "case.assist", "payload": payload()}
    return changed(draft, changes)


def notice(to: str, **changes: Any) -> Draft:
    """A notice that is right, but for the changes."""
    draft = {"id": str(uuid.uuid4()), "type": "notice", "to": to, "kind": "service.notice", "payload": payload()}
    return changed(draft, changes)


def answer(query_id: str, **changes: Any) -> Draft:
    """An answer that is right, but for the changes."""
    return about("answer", query_id, **{"outcome": "confirmed", **changes})


def forward(query_id: str, to: str, **changes: Any) -> Draft:
    """A forward that is right, but for the changes."""
    return about("forward", query_id, **{"to": to, "payload": payload(), **changes})


def about(type: str, query_id: str, **changes: Any) -> Draft:
    """A message of ``type`` about a query, with what the changes say."""
    draft = {
        "id": str(uuid.uuid4()),
        "type": type,
        "correlation_id": query_id,
        "payload": json.dumps({"note": MARKER}).encode(),
    }
    return changed(draft, changes)


class RawProperties(spec.Basic.Properties):
    """Properties that go out as the bytes they are made of, whatever a decent client would say to them."""

    def __init__(self, values: Mapping[str, bytes]) -> None:
        super().__init__()
        # aiormq gives a message an id that has none; this one it keeps to itself.
        self.message_id = str(uuid.uuid4())
        self._values = values

    def marshal(self) -> bytes:
        """The flags and the values, in the specification's order (AMQP 0-9-1 section 4.2.6.1)."""
        flags = sum(self.flags[name] for name in self._values)
        return struct.pack(">H", flags) + b"".join(self._values[name] for name in self.flags if name in self._values)


def as_amqp(draft: Mapping[str, Any]) -> tuple[str, RawProperties, bytes]:
    """Routing key, properties and body of a draft. A property that is an empty text is left out."""
    values = {_PROPERTY_OF[name]: _short(value) for name, value in draft.items() if name in _PROPERTY_OF and value}
    values.setdefault("content_type", _short("application/json"))
    values["delivery_mode"] = b"\x02"
    fields = b"".join(_short(name) + _field(value) for name, value in draft.items() if name not in _NO_HEADERS)
    values["headers"] = struct.pack(">I", len(fields)) + fields
    type = str(draft.get("type", ""))
    return type if type.isascii() else "", RawProperties(values), draft.get("payload", b"")


def as_http(draft: Mapping[str, Any]) -> bytes:
    """The body to post for a draft; its member ``body``, where it has one, is posted as it is."""
    if "body" in draft:
        return bytes(draft["body"])
    members = {name: value for name, value in draft.items() if name not in {"payload", "user_id"}}
    written = [f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}" for name, value in members.items()]
    parts = [part.encode(errors="surrogateescape") for part in written]
    if draft.get("payload"):
        sealed = draft.get("content_type") == "application/jose"
        text = json.dumps(draft["payload"].decode()).encode() if sealed else draft["payload"]
        parts.append(b'"payload":' + text)
    return b"{" + b",".join(parts) + b"}"


def _short(text: str) -> bytes:
    raw = text.encode(errors="surrogateescape")
    return bytes((len(raw),)) + raw


def _field(value: Any) -> bytes:
    if isinstance(value, str):
        raw = value.encode(errors="surrogateescape")
        return b"S" + struct.pack(">I", len(raw)) + raw
    return encode_table_value(value)
