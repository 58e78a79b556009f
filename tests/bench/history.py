"""A ledger's past, written by the store's own code: queries from many places to many recipients, received and answered.

Each query makes four entries: it is accepted, dispatched, its answer is accepted, and it is answered.
"""

import uuid
from datetime import UTC, date, datetime
from itertools import cycle
from typing import Any

from msgspec.structs import replace

from contracts.batch import Admitted, Dispatched, Intake, Report
from services.ledger.sequencer import Sequencer

BATCH = 500
PAYLOAD_BYTES = 512
_RECIPIENTS = [f"41{city:02d}{county:02d}" for city in range(1, 6) for county in range(1, 9)]
_SENDERS = ["310115", "410102", "440106", "510104"]


class History:
    """Writes batches one after the other, to forty recipients in turn."""

    def __init__(self, sequencer: Sequencer) -> None:
        self.sequencer = sequencer
        self._recipients = cycle(_RECIPIENTS)
        self._senders = cycle(_SENDERS)

    async def round_trips(self, count: int = BATCH) -> list[Admitted]:
        """So many queries that are asked, received and answered, in three transactions; the queries."""
        queries = [self._query() for _ in range(count)]
        await self.sequencer.take([Intake(uuid.uuid4(), list(queries))])
        await self.sequencer.take(
            [Report(uuid.uuid4(), [Dispatched(one.id, one.address or "", one.address or "") for one in queries])]
        )
        await self.sequencer.take([Intake(uuid.uuid4(), [_answer(one) for one in queries])])
        return queries

    def _query(self) -> Admitted:
        to, sender = next(self._recipients), next(self._senders)
        return _record("query", sender, kind="case.assist", written_to=to, address=to, due=date(2099, 1, 1))


def _answer(query: Admitted) -> Admitted:
    return _record("answer", query.address or "", correlation_id=query.id, outcome="confirmed")


def _record(type: str, sender: str, **said: Any) -> Admitted:
    id = uuid.uuid4()
    record = Admitted(
        id=id,
        type=type,
        sender=sender,
        submitter=sender,
        origin=sender,
        content_type="application/json",
        digest=2 * id.bytes,
        arrived_at=datetime.now(UTC),
        payload=bytes(PAYLOAD_BYTES),
    )
    return replace(record, **said)
