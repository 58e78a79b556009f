"""Takes batches from the ledger and reports queues, puts them on the log, hands over, then lets them be acked.

A batch that cannot be taken is tried record by record, and what still fails goes to the dead letters.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import structlog
from msgspec import structs

from contracts.batch import Admitted, BatchError, LedgerBatch, Refused, decode_ledger_batch, encode
from services.ledger.handover import dispatches
from services.ledger.metrics import LedgerMetrics
from services.ledger.records import Decision
from services.ledger.sequencer import Sequencer, Tenure
from services.ledger.waiting import Patience
from services.runtime.dead_letters import MESSAGE_ID, QUEUE, REASON, SENDER, dead_letter
from services.runtime.kill_points import reached
from services.runtime.lifecycle import Stop
from services.runtime.ports import Delivery, PortError, Publication
from services.runtime.publishing import publish_until_taken
from services.runtime.pump import Sinks
from services.runtime.topology import DEAD_LETTERS, DISPATCH

log = structlog.get_logger(__name__)


class LedgerIntake:
    """The handler behind one of the ledger's queues; all put batches through the same sequencer. ``committed`` hears of
    each decision that is on the ledger.
    """

    def __init__(
        self,
        queue: str,
        sequencer: Sequencer,
        patience: Patience,
        metrics: LedgerMetrics,
        stop: Stop,
        committed: Callable[[Decision], None] = lambda _decision: None,
    ) -> None:
        self._queue = queue
        self._sequencer = sequencer
        self._patience = patience
        self._metrics = metrics
        self._stop = stop
        self._committed = committed

    async def handle(self, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        """Put ``deliveries`` on the ledger and hand over what follows from them. When this returns, they may be acked.

        Raises SinkLost, and SourceLost where another writer has taken the log over.
        """
        batches = []
        for delivery in deliveries:
            try:
                batches.append(decode_ledger_batch(delivery.body))
            except BatchError as error:
                await self._give_up(dead_letter(delivery, self._queue, str(error)), sinks)
        try:
            await self._take(batches, sinks)
        except PortError:
            raise
        except Exception as error:
            log.warning("batch_not_taken", batches=len(batches), error=type(error).__name__)
            for piece in pieces(batches):
                await self._take_alone(piece, sinks)

    async def _take_alone(self, piece: LedgerBatch, sinks: Sinks) -> None:
        try:
            await self._take([piece], sinks)
        except PortError:
            raise
        except Exception as error:
            log.exception("record_not_taken", batch=str(piece.id), record=str(piece.records[0].id))
            about = {REASON: f"the ledger failed at it: {type(error).__name__}", QUEUE: self._queue}
            letter = as_publication(piece)
            await self._give_up(replace(letter, headers={**letter.headers, **about}), sinks)

    async def _take(self, batches: Sequence[LedgerBatch], sinks: Sinks) -> None:
        """Commit, then hand over. Raises whatever says that the batches themselves are the matter."""
        if not batches:
            return
        started = time.perf_counter()
        tenure = Tenure()
        decision, refusals = await self._patience.until_there(lambda: self._sequencer.take(batches, tenure))
        self._metrics.commit_seconds.observe(time.perf_counter() - started)
        self._metrics.committed(decision, refusals)
        self._committed(decision)
        await publish_until_taken(sinks[DISPATCH], dispatches(decision), self._stop)
        reached("ledger.handed-over")

    async def _give_up(self, letter: Publication, sinks: Sinks) -> None:
        await publish_until_taken(sinks[DEAD_LETTERS], [letter], self._stop)


def split_ledger_batch(body: bytes) -> list[Publication]:
    """A batch of the ledger's queues as pieces, for quarantine. Raises BatchError."""
    return [as_publication(piece) for piece in pieces([decode_ledger_batch(body)])]


def pieces(batches: Iterable[LedgerBatch]) -> Iterator[LedgerBatch]:
    """``batches`` cut up as small as may be, each piece under the id of its batch.

    Records with the same id stay together: only side by side can the second be told from a redelivery of the first.
    """
    for batch in batches:
        for id in dict.fromkeys(record.id for record in batch.records):
            yield structs.replace(batch, records=[record for record in batch.records if record.id == id])


def as_publication(piece: LedgerBatch) -> Publication:
    """A piece on its own, its headers saying whose it is."""
    record = piece.records[0]
    message_id = record.message_id if isinstance(record, Refused) else record.id
    sender = record.sender if isinstance(record, Admitted | Refused) else None
    headers = {MESSAGE_ID: str(message_id or ""), SENDER: sender or ""}
    return Publication(routing_key="", body=encode(piece), message_id=str(uuid.uuid4()), headers=headers)
