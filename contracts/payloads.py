"""Payloads: read once at the door, to check them and to tell whether a message that comes again is the same.

The exchange is payload-neutral: nothing of a payload goes into a problem's text, a log or the ledger.
"""

import re
from dataclasses import dataclass

import msgspec

from contracts.envelope import JSON
from contracts.json_names import RepeatedNameError, expect_distinct_names
from contracts.kinds import PayloadError, PayloadSchema
from contracts.problems import ProblemError, ProblemType

MAX_PAYLOAD_BYTES = 256 * 1024

# RFC 7515 section 7.1 (JWS) and RFC 7516 section 7.1 (JWE): three or five base64url parts joined by dots.
_COMPACT_JOSE = re.compile(rb"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){2}(?:(?:\.[A-Za-z0-9_-]*){2})?")


@dataclass(frozen=True, slots=True)
class Payload:
    """A payload that can be read. ``canonical`` is the same for two JSON texts that say the same."""

    content_type: str
    canonical: bytes
    value: object

    def check(self, schema: PayloadSchema) -> None:
        """Raises ProblemError where a JSON payload does not follow ``schema``. A sealed one can be checked by its
        reader only.
        """
        if self.content_type == JSON:
            try:
                schema.check(self.value)
            except PayloadError as error:
                raise ProblemError(ProblemType.PAYLOAD_INVALID, str(error)) from None


def read_payload(content_type: str, body: bytes) -> Payload:
    """The payload that ``body`` holds. Raises ProblemError; the text repeats nothing of the body."""
    if not body:
        raise ProblemError(ProblemType.PAYLOAD_EMPTY, "send a payload: a JSON object as the kind's schema describes it")
    if len(body) > MAX_PAYLOAD_BYTES:
        raise ProblemError(
            ProblemType.PAYLOAD_TOO_LARGE, f"the payload has {len(body)} bytes, at most {MAX_PAYLOAD_BYTES} are taken"
        )
    return _read_json(content_type, body) if content_type == JSON else _read_sealed(content_type, body)


def _read_json(content_type: str, body: bytes) -> Payload:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(
            ProblemType.PAYLOAD_NOT_UTF8, f"the payload is not valid UTF-8 at byte {error.start}; encode it in UTF-8"
        ) from None
    try:
        value = msgspec.json.decode(body)
        canonical = msgspec.json.encode(value, order="deterministic")
        expect_distinct_names(body, canonical)
    except RepeatedNameError:
        raise ProblemError(
            ProblemType.PAYLOAD_AMBIGUOUS, "an object of the payload has two members of one name; give each name once"
        ) from None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ProblemError(ProblemType.PAYLOAD_NOT_JSON, "the payload is not JSON (RFC 8259)") from None
    return Payload(content_type, canonical, value)


def _read_sealed(content_type: str, body: bytes) -> Payload:
    if not _COMPACT_JOSE.fullmatch(body):
        raise ProblemError(
            ProblemType.PAYLOAD_INVALID,
            "a sealed payload is a JWE or JWS in compact serialization (RFC 7516, RFC 7515)",
        )
    return Payload(content_type, body, None)
