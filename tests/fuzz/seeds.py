"""What fuzzing starts from: inputs that are right, which mutation makes wrong, and the words they consist of."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.resources import files
from uuid import UUID

from msgspec import structs
from pamqp import header
from pamqp.commands import Basic

from contracts.batch import (
    Admitted,
    ClosePeriod,
    Dispatch,
    Dispatched,
    Intake,
    Orders,
    Outbound,
    Parked,
    ParkedMessage,
    PassOn,
    Refused,
    Remind,
    Report,
    encode,
)
from contracts.envelope import MEMBERS, ExtensionReply, MessageType, Outcome, Urgency
from tests.fuzz.targets import ARRIVED_AT

_ID = UUID("0197a3c2-5d00-7000-8000-000000000001")
_SEALED = "eyJhbGciOiJkaXIifQ..AAAA.BBBB.CCCC"
_QUERY = {"id": str(_ID), "type": "query", "to": "410102", "kind": "case.assist", "from": "4101", "due": "2026-12-01"}
_ANSWER = {"id": str(_ID), "type": "answer", "correlation_id": str(_ID), "outcome": "refused", "reason": "\x01"}
_ABOUT = {"id": str(_ID), "correlation_id": str(_ID)}
_EXTENSION = {**_ABOUT, "type": "extension", "due": "2027-01-15", "reason": "waiting-for-others: \x01"}
_FORWARD = {**_ABOUT, "type": "forward", "to": "410102", "written": 1981, "reason": "not-in-charge"}
_RATING = {**_ABOUT, "type": "rating", "timely": "yes", "useful": False}
_OUTBOUND = Outbound(_ID, "query", "410102", "4101", "application/json", b"{}", ARRIVED_AT, due=date(2026, 12, 1))
_ADMITTED = Admitted(
    _ID, "query", "4101", "4101", "4101", "application/json", b"d" * 32, ARRIVED_AT, b"{}", "case.assist"
)
_CLOSE = ClosePeriod(_ID, "2026-11", "x")
_REFUSED = Refused(_ID, "unknown-kind", "no such kind", "amqp", ARRIVED_AT, 7, _ID, "4101", "query")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _framed_properties(**values: object) -> bytes:
    """Basic properties as the target ``properties`` reads them: its table has a length of two bytes, not of four."""
    headers = values.pop("headers", None)
    flags_and_values = header.ContentHeader(0, 0, Basic.Properties(**values)).marshal()[12:]  # type: ignore[arg-type]
    if headers is None:
        return flags_and_values
    table = header.ContentHeader(0, 0, Basic.Properties(headers=headers)).marshal()[18:]  # type: ignore[arg-type]
    flags = int.from_bytes(flags_and_values[:2]) | 1 << 13
    return flags.to_bytes(2) + len(table).to_bytes(2) + table + flags_and_values[2:]


SEEDS: Mapping[str, Sequence[bytes]] = {
    "payload": [
        b'-{"subject":"\x01","note":"\x01"}',
        b'-{"certificate_number":"\x01","holder":{"name":"\x01"}}',
        b'-["\x01",1e308,-0.0,true,null,"\\ud83d\\ude00",123456789012345678901234567890]',
        b'-{"subject":' + b"[" * 300 + b"]" * 300 + b"}",
        b"j" + _SEALED.encode(),
        b"j\x01.\x01.\x01",
    ],
    "posted": [
        _json({**_QUERY, "payload": {"subject": "x"}}),
        _json({**_ANSWER, "payload": {"note": "x"}}),
        _json({**_QUERY, "urgency": "urgent", "written": "1981", "payload": {"subject": "x"}}),
        _json({**_ABOUT, "type": "acknowledgement", "payload": {}}),
        _json({**_EXTENSION, "payload": {}}),
        _json({**_ABOUT, "type": "extension", "outcome": "accepted", "payload": {}}),
        _json({**_FORWARD, "payload": {"subject": "x"}}),
        _json({**_ABOUT, "type": "withdrawal", "reason": "sent-by-mistake", "payload": {}}),
        _json({**_RATING, "payload": {}}),
        _json({**_QUERY, "content_type": "application/jose", "payload": _SEALED}),
        _json({**_QUERY, "type": "notice", "kind": "service.notice", "payload": {}}),
        b'{"id":1,"id":"x","payload":' + b"[" * 200 + b"]" * 200 + b"}",
    ],
    "properties": [
        _framed_properties(
            message_id=str(_ID), message_type="query", user_id="4101", headers={"to": "410102", "kind": "case.assist"}
        ),
        _framed_properties(
            message_id=str(_ID),
            message_type="answer",
            user_id="4101",
            correlation_id=str(_ID),
            headers={"outcome": "partial", "reason": "r", "x-death": [{"queue": "ingress", "reason": "expired"}]},
        ),
        _framed_properties(
            message_id=str(_ID),
            message_type="forward",
            user_id="4101",
            correlation_id=str(_ID),
            headers={
                "to": "410102",
                "written": 1981,
                "reason": "r",
                "timely": True,
                "useful": "no",
                "urgency": "urgent",
            },
        ),
        _framed_properties(
            timestamp=ARRIVED_AT,
            priority=1,
            delivery_mode=2,
            expiration="0",
            headers={
                "list": [1, None, True, 1.5, ARRIVED_AT, bytearray(b"x")],
                "sender": "\0",
                "queue": "ledger",
                "reason": "\0",
            },
        ),
    ],
    "batch": [
        encode(Intake(_ID, [_ADMITTED, _REFUSED])),
        encode(Dispatch(_ID, [_OUTBOUND])),
        encode(Report(_ID, [Dispatched(_ID, "410102", "41"), Parked(_ID, "inbox-full")])),
        encode(ParkedMessage(_OUTBOUND, "inbox-full")),
        encode(Report(_ID, [Dispatched(_ID, "410102", "41", 3), Parked(_ID, "inbox-gone", 1)])),
        encode(
            Orders(_ID, [Remind(_ID, "4101", "r"), PassOn(_ID, "410102", "410103"), ClosePeriod(_ID, "2026-11", "x")])
        ),
        encode(Dispatch(_ID, [structs.replace(_OUTBOUND, duty=1, more={"forwarded_by": "4101"})])),
        b"\xdd\xff\xff\xff\xff",
    ],
    "kind": [
        *(entry.read_bytes() for entry in files("contracts").joinpath("builtin_kinds").iterdir()),
        b"name: 2026-99-99\nschema: {type: object, $ref: 'http://127.0.0.1:9/x'}",
        b"? [!!int x, !!bool y, !!timestamp z]\n: &a [*a]",
    ],
    "text": [
        b"410102.health",
        b"410102001",
        b"2026-11",
        b"2026",
        b"2026-11-24T18:00:00.000001+08:00",
        b"0001-01-01T00:00+23:59",
        b"9999-12-31",
        urlsafe_b64encode(b"714").rstrip(b"="),
        urlsafe_b64encode(f"{ARRIVED_AT.isoformat()}|{_ID}".encode()).rstrip(b"="),
        urlsafe_b64encode(f"0001-01-01T00:00:00+23:59|{_ID}".encode()).rstrip(b"="),
    ],
}

_OTHER_WORDS = (*ExtensionReply, *Urgency, "2026-12-01", "1981", "yes", "no")
_SHARED_WORDS = (*MEMBERS, "payload", *MessageType, *Outcome, *_OTHER_WORDS, str(_ID), "410102", "case.assist")

_ENDLESS = (b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff")
WORDS: Mapping[str, Sequence[bytes]] = {
    "payload": [b"\x01", b"subject", b"note", b"[[[[[[[[", b'{"a":', b"1e999", b"\\u0000", b"\\ud800", b"9" * 64],
    "posted": [*(_json(word) for word in _SHARED_WORDS), b"null", b"\\u0000", b"\\ud800", b"[[[[[[[["],
    "properties": [*(word.encode() for word in _SHARED_WORDS), b"x-death", b"S\0\0\0\x01\0", b"A", b"F", b"T", b"D"],
    "batch": [
        b"intake",
        b"dispatch",
        b"report",
        b"orders",
        b"remind",
        b"parked-message",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
    ],
    "kind": [b"!!int ", b"!!timestamp ", b"&a ", b"*a", b"$ref: ", b"$schema: ", b"2026-99-99", b"pattern: "],
    "text": [b".health", b"+23:59", b"-23:59", b"0001-", b"9999-", b"|", b"T00:00", "١".encode(), b"MDAwMS0wMS0wMVQ"],
}
