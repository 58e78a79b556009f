"""What stands open to bytes from outside, as functions of bytes, each with what it promises.

A target returns when its input was admitted, refused with a known problem, or met by the one named error of its
module. Everything else is a finding: another exception, a second's work, or something of a payload in a text.
``PAYLOAD_BYTE`` in an input stands for a word that must turn up nowhere.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pamqp import header

from contracts.addresses import AddressError, ancestors, parse_address
from contracts.batch import (
    Admitted,
    BatchError,
    Intake,
    Refused,
    decode_dispatch,
    decode_ledger_batch,
    decode_parked,
    encode,
)
from contracts.directory import Directory, Jurisdiction
from contracts.envelope import JOSE, JSON
from contracts.kinds import KindError, built_in_kinds, kind_from_definition, parse_kind
from contracts.payloads import read_payload
from contracts.period import Calendar, PeriodError
from contracts.problems import ProblemError, ProblemType
from contracts.reasons import reason_code
from services.gateway.admission import admit
from services.gateway.ingress import incoming
from services.gateway.posting import admit_body
from services.ledger.answers import read_entry_cursor, read_time_cursor
from services.ledger.moments import read_moment
from services.registry.snapshot import Participant, Snapshot, TokenOwner
from services.runtime.amqp.source import _properties as properties_of
from services.runtime.amqp.tolerance import tolerate_malformed_properties
from services.runtime.dead_letters import dead_letter, epitaph
from services.runtime.ports import Delivery
from services.runtime.topology import INGRESS

SLOWEST_SECONDS = 1
PAYLOAD_BYTE = b"\x01"
SECRET = "zq7payload4word9"
ARRIVED_AT = datetime(2026, 11, 24, 4, tzinfo=UTC)
CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))
SENDER = TokenOwner("participant", "4101")
ADMINISTRATOR = TokenOwner("administrator", None)
SNAPSHOT = Snapshot(
    version=1,
    directory=Directory.of(
        [
            Jurisdiction("41", "河南省", "province", None),
            Jurisdiction("4101", "郑州市", "prefecture", "41"),
            Jurisdiction("410102", "中原区", "county", "4101"),
        ],
        [],
    ),
    kinds={kind.name: kind for kind in built_in_kinds()},
    participants={address: Participant(address, address, "active") for address in ("4101", "410102")},
    tokens={},
)
_SCHEMAS = [kind.payload_schema for kind in built_in_kinds()]
_LONGEST_DETAIL = 1000

tolerate_malformed_properties()


class FindingError(AssertionError):
    """A promise was broken."""


def payload(data: bytes) -> None:
    """A message's body: its first byte chooses the content type, the rest is the body."""
    body = _with_secret(data[1:])
    try:
        read = read_payload(JOSE if data[:1] == b"j" else JSON, body)
        for schema in _SCHEMAS:
            with _refusals():
                read.check(schema)
    except ProblemError as error:
        _expect_refusal(error)


def posted(data: bytes) -> None:
    """The body of ``POST /v1/messages``, from a participant and from an administrator."""
    for owner in (SENDER, ADMINISTRATOR):
        with _refusals():
            _expect_record(admit_body(data, owner, SNAPSHOT, CALENDAR))


def properties(data: bytes) -> None:
    """The content header of an AMQP message (AMQP 0-9-1 section 4.2.6.1), well-framed, with whatever values."""
    read = header.ContentHeader()
    read.unmarshal(bytes(12) + framed(data))
    known_properties = properties_of(read.properties)
    if known_properties.user_id is not None:
        # The broker lets no other account pass.
        known_properties = known_properties._replace(user_id="4101")
    delivery = Delivery(b'{"subject": "x"}', "query", redelivered=False, tag=1, properties=known_properties)
    list(delivery.properties.malformed())
    _expect_record(admit(incoming(delivery, ARRIVED_AT), SNAPSHOT, CALENDAR))
    letter = dead_letter(delivery, INGRESS, "tried")
    passed_on = delivery._replace(properties=delivery.properties._replace(headers=letter.headers))
    for known in (epitaph(delivery), epitaph(passed_on)):
        if not all(text is None or text.isprintable() for text in (known.queue, known.reason, known.sender)):
            raise FindingError("an epitaph is not printable")


def batch(data: bytes) -> None:
    """A batch between the services. What is read is read again from what is written of it."""
    for decode in (decode_ledger_batch, decode_dispatch, decode_parked):
        with suppress(BatchError):
            read = decode(data)
            if decode(encode(read)) != read:
                raise FindingError("a batch is not read as it was written")


def kind(data: bytes) -> None:
    """A kind's document, which an operator imports. One that is taken can be stored and read again."""
    with suppress(KindError):
        known = parse_kind(data.decode("utf-8", "replace"))
        kind_from_definition(known.definition())


def text(data: bytes) -> None:
    """What stands in a query string: an address, a period, a moment, a cursor."""
    written = data.decode("utf-8", "surrogateescape")
    with suppress(AddressError):
        if str(parse_address(written)) != written or ancestors(written)[0] != written:
            raise FindingError("an address is not read as it was written")
    with suppress(PeriodError):
        span = CALENDAR.span(written)
        if span.start >= span.end or not written.isascii():
            raise FindingError("a period is no span")
    for end_of_day in (False, True):
        with _refusals():
            if read_moment("from", written, CALENDAR, end_of_day=end_of_day).tzinfo is not UTC:
                raise FindingError("a moment is not in UTC")
    with _refusals():
        if read_time_cursor(written)[0].tzinfo is not UTC:
            raise FindingError("a cursor's moment is not in UTC")
    with _refusals():
        if not 0 <= read_entry_cursor(written) < 2**62:
            raise FindingError("a cursor's entry is none")


def _bounded(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def tried(data: bytes) -> None:
        # The processor's time, not the clock's: a busy machine is no finding.
        started = time.process_time()
        target(data)
        if time.process_time() - started > SLOWEST_SECONDS:
            raise FindingError(f"an input of {len(data)} bytes kept the processor for more than {SLOWEST_SECONDS} s")

    return tried


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: _bounded(target) for target in (payload, posted, properties, batch, kind, text)
}


def framed(data: bytes) -> bytes:
    """``data`` as flags and values of basic properties, each cut so that it ends where it says: what a broker passes
    on is framed right, whatever its values hold.
    """
    flags, rest, values = int.from_bytes(data[:2].ljust(2, b"\0")) & 0xFFFC, data[2:], b""
    for bit in range(15, 1, -1):
        if not flags & (1 << bit):
            continue
        if bit == 13:
            value, rest = _cut(rest, 2)
            values += len(value).to_bytes(4) + value
        elif bit in (12, 11, 6):
            size = 8 if bit == 6 else 1
            values, rest = values + rest[:size].ljust(size, b"\0"), rest[size:]
        else:
            value, rest = _cut(rest, 1)
            values += len(value).to_bytes(1) + value
    return flags.to_bytes(2) + values


def _cut(data: bytes, digits: int) -> tuple[bytes, bytes]:
    """The value at the front of ``data``, whose length its first bytes say, and what follows it."""
    end = digits + int.from_bytes(data[:digits])
    return data[digits:end], data[end:]


def _with_secret(body: bytes) -> bytes:
    return body.replace(PAYLOAD_BYTE, SECRET.encode())


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ProblemError as error:
        _expect_refusal(error)


def _expect_refusal(error: ProblemError) -> None:
    _expect_detail(error.problem.detail)
    if error.problem.type in (ProblemType.INTERNAL_ERROR, ProblemType.UNAVAILABLE):
        raise FindingError(f"refused as {error.problem.type}")


def _expect_record(record: Admitted | Refused) -> None:
    """A record can be written to the ledger queue and read from it, and to PostgreSQL, which takes no NUL."""
    if decode_ledger_batch(encode(Intake(uuid.UUID(int=1), [record]))).records != [record]:
        raise FindingError("a record is not read as it was written")
    if isinstance(record, Refused):
        ProblemType.of(record.problem)
        _expect_detail(record.detail)
        stored: tuple[str | None, ...] = (record.detail, record.sender, record.type)
    else:
        kept = reason_code(record.reason)
        stored = (record.sender, record.origin, record.written_to, record.address, record.kind, record.outcome, kept)
    if any("\0" in column for column in stored if column):
        raise FindingError("a record holds a NUL where the database is to store it")


def _expect_detail(detail: str) -> None:
    if SECRET in detail:
        raise FindingError("something of the payload is in a problem's text")
    if not detail or not detail.isprintable() or len(detail) > _LONGEST_DETAIL:
        raise FindingError(f"a problem's text is empty, unprintable or endless: {detail[:100]!r}")
