"""Takes batches from the ledger and reports queues, puts them on the log, hands over, then lets them be acked.

A database that is away is waited for with the batch in hand. A batch that cannot be taken is tried record by record,
and what still fails is set aside: its bytes go to the dead letters, its id and reason onto the list.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import structlog
from msgspec import structs

from contracts.batch import BatchError, Intake, Report, decode_ledger_batch
from services.ledger.handover import dispatches
from services.ledger.head import FencedError
from services.ledger.metrics import LedgerMetrics
from services.ledger.sequencer import Sequencer
from services.ledger.set_aside import SetAsideBody
from services.ledger.store.faults import is_away
from services.runtime.lifecycle import Stop
from services.runtime.ports import Delivery, PortError, SourceLost
from services.runtime.publishing import publish_until_taken
from services.runtime.pump import Sinks
from services.runtime.topology import DEAD_LETTERS, DISPATCH

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class LedgerIntake:
    """The handler behind one of the ledger's queues; both put batches through the same sequencer."""

    def __init__(self, sequencer: Sequencer, metrics: LedgerMetrics, stop: Stop) -> None:
        self._sequencer = sequencer
        self._metrics = metrics
        self._stop = stop
        self._sinks: Sinks | None = None
        self._trouble: str | None = None

    def check(self) -> str | None:
        """A readiness check: None while the database takes what is written, otherwise why it is waited for."""
        return self._trouble

    async def handle(self, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        """Put ``deliveries`` on the ledger and hand over what follows from them. When this returns, they may be acked.

        Raises SinkLost, and SourceLost where another writer has taken the log over.
        """
        if sinks is not self._sinks:
            # A new consumer: the broker may have made another one the active one in between.
            self._sequencer.release()
            self._sinks = sinks
        batches = []
        for delivery in deliveries:
            try:
                batches.append(decode_ledger_batch(delivery.body))
            except BatchError as error:
                await self._set_aside(SetAsideBody.unreadable(delivery.body, error), sinks)
        try:
            await self._take(batches, sinks)
        except PortError:
            raise
        except Exception as error:
            log.warning("batch_not_taken", batches=len(batches), error=type(error).__name__)
            for record in _one_by_one(batches):
                await self._take_alone(record, sinks)

    async def _take_alone(self, record: Intake | Report, sinks: Sinks) -> None:
        try:
            await self._take([record], sinks)
        except PortError:
            raise
        except Exception as error:
            log.exception("record_set_aside", batch=str(record.id), record=str(record.records[0].id))
            await self._set_aside(SetAsideBody.record(record, error), sinks)

    async def _take(self, batches: Sequence[Intake | Report], sinks: Sinks) -> None:
        """Commit, then hand over. Raises whatever says that the batches themselves are the matter."""
        if not batches:
            return
        started = time.perf_counter()
        decision, refusals = await self._when_there(lambda: self._sequencer.take(batches))
        self._metrics.commit_seconds.observe(time.perf_counter() - started)
        self._metrics.committed(decision, refusals)
        await publish_until_taken(sinks[DISPATCH], dispatches(decision.handovers), self._stop)

    async def _set_aside(self, body: SetAsideBody, sinks: Sinks) -> None:
        # The bytes first: what is on the list is in the dead letters, too.
        await publish_until_taken(sinks[DEAD_LETTERS], [body.publication()], self._stop)
        await self._when_there(lambda: self._sequencer.list_set_aside(body))
        self._metrics.set_aside.inc()

    async def _when_there(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """The result of ``work``, begun again for as long as the database is away. Raises SourceLost when fenced off
        or stopped.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                result = await work()
            except FencedError as error:
                self._metrics.fenced.inc()
                raise SourceLost(f"another writer has taken the log over: {error}") from error
            except Exception as error:
                if not is_away(error):
                    raise
                self._trouble = f"{type(error).__name__}: {error}"
                if self._stop.is_set:
                    raise SourceLost("the database was away at the stop; the batch comes again") from error
                log.warning("database_away", error=self._trouble, pause_seconds=pause)
            else:
                self._trouble = None
                return result
            await self._stop.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _one_by_one(batches: Iterable[Intake | Report]) -> Iterator[Intake | Report]:
    """``batches`` cut up as small as may be, each piece under the id of its batch.

    Records with the same id stay together: only side by side can the second be told from a redelivery of the first.
    """
    for batch in batches:
        for id in dict.fromkeys(record.id for record in batch.records):
            yield structs.replace(batch, records=[record for record in batch.records if record.id == id])
