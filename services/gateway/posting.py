"""The HTTP door: ``POST /v1/messages``. Source: design section 5."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer

from contracts.addresses import AddressError
from contracts.batch import Admitted, Refused
from contracts.envelope import (
    JOSE,
    JSON,
    MAX_REASON_CHARACTERS,
    MAX_SEQUENCE,
    MEMBERS,
    MEMBERS_OF,
    ExtensionReply,
    MessageType,
    Outcome,
    Urgency,
)
from contracts.json_names import RepeatedNameError, expect_distinct_names
from contracts.payloads import MAX_PAYLOAD_BYTES
from contracts.period import Calendar
from contracts.problems import ProblemError, ProblemType, echo
from contracts.wire import InCustody
from services.gateway.admission import Incoming, admit, may_be_out_of_date, refuse
from services.gateway.metrics import GatewayMetrics
from services.gateway.submission import Submission
from services.registry.snapshot import Snapshot, SnapshotWatcher, TokenOwner

ADMINISTRATOR = "administrator"
_BODY = msgspec.json.Decoder(dict[str, msgspec.Raw])

_MEMBER_SCHEMAS: dict[str, dict[str, Any]] = {
    "id": {"type": "string", "format": "uuid", "description": "Chosen by the sender: its idempotency key"},
    "type": {"type": "string", "enum": list(MessageType)},
    "to": {"type": "string", "description": "The address it goes to; of a forward, who is to answer"},
    "kind": {"type": "string", "description": "What it is about"},
    "from": {"type": "string", "description": "When the account speaks for an address below it"},
    "due": {
        "type": "string",
        "format": "date",
        "description": "Of a query, no later than the kind's own deadline; of an extension, the later date asked for",
    },
    "urgency": {"type": "string", "enum": list(Urgency), "description": "Which of its kind's deadlines holds"},
    "written": {
        "oneOf": [{"type": "integer"}, {"type": "string"}],
        "description": "The year in which the code in to was written down",
    },
    "correlation_id": {"type": "string", "format": "uuid", "description": "The query's id"},
    "outcome": {
        "type": "string",
        "enum": list(dict.fromkeys([*Outcome, *ExtensionReply])),
        "description": f"Of an answer; or the reply to an extension, {' or '.join(ExtensionReply)}",
    },
    "reason": {
        "type": "string",
        "maxLength": MAX_REASON_CHARACTERS,
        "description": "Needed with the outcomes partial and refused of an answer, and where more time is asked for",
    },
    "timely": {"oneOf": [{"type": "boolean"}, {"enum": ["yes", "no"]}], "description": "Whether it came in time"},
    "useful": {"oneOf": [{"type": "boolean"}, {"enum": ["yes", "no"]}], "description": "Whether it was of use"},
    "sequence": {
        "oneOf": [{"type": "integer", "minimum": 1, "maximum": MAX_SEQUENCE}, {"type": "string"}],
        "description": "The sender's own number of the message: 1, 2, 3 and so on",
    },
    "content_type": {"type": "string", "enum": [JSON, JOSE]},
    "traceparent": {"type": "string", "description": "W3C Trace Context, carried through"},
}


def _described(name: str) -> dict[str, Any]:
    """The schema of a member, which says on which types it is read where that is not all of them."""
    types = [type for type, members in MEMBERS_OF.items() if name in members]
    schema = _MEMBER_SCHEMAS[name]
    if len(types) == len(MessageType):
        return schema
    return {**schema, "description": f"On {', '.join(types)}. {schema['description']}"}


REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["id", "type", "payload"],
                "additionalProperties": False,
                "properties": {name: _described(name) for name in _MEMBER_SCHEMAS}
                | {
                    "payload": {
                        "description": "The kind's object, or what answers and the others have, an object with an"
                        f" optional note; or a sealed text (JOSE). At most {MAX_PAYLOAD_BYTES} bytes",
                        "oneOf": [{"type": "object"}, {"type": "string"}],
                    },
                },
                "example": {
                    "id": "0197a3c2-5d00-7000-8000-000000000001",
                    "type": "query",
                    "to": "410102",
                    "kind": "case.assist",
                    "payload": {"subject": "Please confirm the residence of the person concerned"},
                },
            }
        }
    },
}


def posting_router(
    registry: SnapshotWatcher, calendar: Calendar, submission: Submission, metrics: GatewayMetrics
) -> APIRouter:
    """The route that takes messages in."""
    router = APIRouter(prefix="/v1", tags=["messages"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    @router.post(
        "/messages",
        status_code=202,
        summary="Hand a message over; 202 when it is in custody",
        openapi_extra={"requestBody": REQUEST_BODY},
    )
    async def post_message(request: Request) -> InCustody:
        owner = _owner(request, registry.current) or _owner(request, await registry.fresh())
        if owner is None:
            metrics.unauthenticated()
            raise ProblemError(ProblemType.UNAUTHENTICATED, "send the header Authorization: Bearer <your token>")
        # For whom an administrator posts must not be decided by who was there a second ago.
        snapshot = await registry.fresh() if owner.address is None else registry.current
        body = await request.body()
        record = admit_body(body, owner, snapshot, calendar)
        if may_be_out_of_date(record):
            record = admit_body(body, owner, await registry.fresh(), calendar)
        await submission.submit(record)
        if isinstance(record, Refused):
            raise ProblemError(ProblemType.of(record.problem), record.detail)
        return InCustody(
            id=record.id, type=record.type, arrived_at=record.arrived_at, address=record.address, due=record.due
        )

    return router


def admit_body(body: bytes, owner: TokenOwner, snapshot: Snapshot, calendar: Calendar) -> Admitted | Refused:
    """The posted ``body`` as a record for the ledger. Raises ProblemError where it cannot be said whose message it
    is.
    """
    arrived_at = datetime.now(UTC)
    try:
        fields, payload = _read_body(body)
    except ProblemError as error:
        unread = Incoming("http", owner.address, _submitter(owner), {}, body, arrived_at)
        return refuse(unread, error.problem)
    account = owner.address or _account_of(fields, snapshot)
    incoming = Incoming("http", account, _submitter(owner), fields, payload, arrived_at)
    unknown = sorted(fields.keys() - MEMBERS)
    if unknown:
        problem = ProblemError(
            ProblemType.UNKNOWN_MEMBER, f"{echo(unknown[0])} is none of {', '.join(sorted(MEMBERS))}"
        )
        return refuse(incoming, problem.problem)
    return admit(incoming, snapshot, calendar)


def _owner(request: Request, snapshot: Snapshot) -> TokenOwner | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return snapshot.owner_of(token.strip()) if scheme.lower() == "bearer" else None


def _submitter(owner: TokenOwner) -> str:
    return owner.address or ADMINISTRATOR


def _account_of(fields: dict[str, object], snapshot: Snapshot) -> str:
    """For whom an administrator posts: the participant that speaks for ``from``. Raises ProblemError where there is
    none.
    """
    written = fields.get("from")
    try:
        speaker = snapshot.nearest(written) if isinstance(written, str) else None
    except AddressError:
        speaker = None
    if speaker is None:
        raise ProblemError(
            ProblemType.OUTSIDE_TERRITORY,
            "an administrator posts for a participant: name it, or an address below it, in from",
        )
    return speaker.address


def _read_body(body: bytes) -> tuple[dict[str, object], bytes]:
    """The members of a posted object, and its payload as it was written. Raises ProblemError."""
    try:
        members = _BODY.decode(_utf8(body))
        # What is within the payload is the same question at both doors, and asked behind them.
        expect_distinct_names(body, msgspec.json.encode(members), within=False)
        payload = members.pop("payload", msgspec.Raw(b""))
        fields = {name: msgspec.json.decode(value) for name, value in members.items()}
        sealed = fields.get("content_type") == JOSE
        text = msgspec.json.decode(payload, type=str).encode() if sealed and payload else bytes(payload)
    except RepeatedNameError:
        raise ProblemError(
            ProblemType.MALFORMED_REQUEST, "the object has two members of one name; give each name once"
        ) from None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ProblemError(
            ProblemType.MALFORMED_REQUEST, "post one JSON object with id, type, payload and what the type needs"
        ) from None
    return fields, text


def _utf8(body: bytes) -> bytes:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(
            ProblemType.PAYLOAD_NOT_UTF8, f"the body is not valid UTF-8 at byte {error.start}; encode it in UTF-8"
        ) from None
    return body
