"""Records as a gateway and a router would hand them over."""

import hashlib
from datetime import UTC, date, datetime
from uuid import uuid4

from contracts.batch import Admitted, Dispatched, Intake, Refused, Report
from contracts.problems import ProblemType


def query(to: str = "410102", sender: str = "310115") -> Admitted:
    """An admitted query."""
    id = uuid4()
    return Admitted(
        id=id,
        type="query",
        sender=sender,
        submitter=sender,
        origin=sender,
        content_type="application/json",
        digest=hashlib.sha256(id.bytes).digest(),
        arrived_at=datetime.now(UTC),
        payload=b'{"subject":"x"}',
        kind="case.assist",
        written_to=to,
        address=to,
        due=date(2099, 1, 1),
    )


def answer(to: Admitted, outcome: str = "confirmed") -> Admitted:
    """An admitted answer to a query, by the one asked."""
    id = uuid4()
    place = to.address or ""
    return Admitted(
        id=id,
        type="answer",
        sender=place,
        submitter=place,
        origin=place,
        content_type="application/json",
        digest=hashlib.sha256(id.bytes).digest(),
        arrived_at=datetime.now(UTC),
        payload=b"{}",
        correlation_id=to.id,
        outcome=outcome,
    )


def refused() -> Refused:
    """A refused message of which not even the id could be read."""
    return Refused(uuid4(), ProblemType.MISSING_MESSAGE_ID.slug, "give it an id", "amqp", datetime.now(UTC), 7)


def intake(*records: Admitted | Refused) -> Intake:
    """A gateway's batch."""
    return Intake(uuid4(), list(records))


def dispatched(*records: Admitted) -> Report:
    """A router's batch."""
    return Report(uuid4(), [Dispatched(r.id, r.address or "", r.address or "") for r in records])
