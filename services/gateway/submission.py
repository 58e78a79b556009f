"""Carries what was posted over HTTP to the ledger queue, in batches, and tells each request when its message is in
custody.
"""

import asyncio
from dataclasses import dataclass, field

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from contracts.batch import Admitted, Refused
from contracts.problems import ProblemError, ProblemType
from services.gateway.intake import intakes
from services.gateway.metrics import GatewayMetrics
from services.runtime.kill_points import reached
from services.runtime.lifecycle import Stop
from services.runtime.ports import BatchSink, Broker, SinkLost

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
"""While nothing is posted, so often it is looked whether the sink is still alive."""

_AGAIN = "try again with the same id: a message that did arrive is not taken twice"


@dataclass(slots=True)
class _Waiting:
    record: Admitted | Refused
    done: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class LedgerQueueFullError(Exception):
    """The ledger queue takes nothing more now; whoever posts is told to come again."""


class Submission:
    """A queue of posted messages in front of one sink. While one batch is being confirmed, the next one gathers."""

    def __init__(self, broker: Broker, exchange: str, size: int, metrics: GatewayMetrics) -> None:
        self._broker = broker
        self._exchange = exchange
        self._size = size
        self._metrics = metrics
        self._waiting: asyncio.Queue[_Waiting] = asyncio.Queue(maxsize=4 * size)
        self._sink: BatchSink | None = None

    async def submit(self, record: Admitted | Refused) -> None:
        """Return when the broker has ``record`` on disk. Raises ProblemError (503) where that cannot be said."""
        if self.fault() is not None:
            raise ProblemError(ProblemType.UNAVAILABLE, f"the broker is away; {_AGAIN}")
        waiting = _Waiting(record)
        try:
            self._waiting.put_nowait(waiting)
        except asyncio.QueueFull:
            raise ProblemError(ProblemType.UNAVAILABLE, f"too many requests at once; {_AGAIN}") from None
        await waiting.done

    def fault(self) -> str | None:
        """What is the matter, for the readiness check."""
        return None if self._sink is not None and self._sink.alive else "the sink to the ledger queue is not open"

    async def run(self, stop: Stop) -> None:
        """Keep a sink open and carry what is posted, until the stop; then finish what is in hand."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((SinkLost, LedgerQueueFullError)), wait=wait_random_exponential(0.1, max=5)
        )
        async for attempt in retrying:
            if stop.is_set:
                break
            with attempt:
                await self._carry(stop)

    async def _carry(self, stop: Stop) -> None:
        try:
            async with self._broker.open_sink(self._exchange) as sink:
                self._sink = sink
                while not stop.is_set or not self._waiting.empty():
                    batch = await self._next_batch(stop)
                    if batch:
                        await self._hand_on(batch, sink)
                    else:
                        _expect_alive(sink)
        except (SinkLost, LedgerQueueFullError) as error:
            log.warning("submission_lost", error=str(error))
            raise
        finally:
            self._sink = None
            self._fail_waiting()

    async def _next_batch(self, stop: Stop) -> list[_Waiting]:
        getting = asyncio.ensure_future(self._waiting.get())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((getting, stopping), timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                return []
            batch = [getting.result()]
        finally:
            getting.cancel()
            stopping.cancel()
        while len(batch) < self._size and not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        return batch

    async def _hand_on(self, batch: list[_Waiting], sink: BatchSink) -> None:
        records = [waiting.record for waiting in batch]
        try:
            await _publish(records, sink)
        except BaseException:
            _fail(batch)
            raise
        reached("gateway.posted")
        self._metrics.handed_on(records, "http")
        for waiting in batch:
            if not waiting.done.done():
                waiting.done.set_result(None)

    def _fail_waiting(self) -> None:
        batch = []
        while not self._waiting.empty():
            batch.append(self._waiting.get_nowait())
        _fail(batch)


async def _publish(records: list[Admitted | Refused], sink: BatchSink) -> None:
    if await sink.publish(intakes(records)):
        raise LedgerQueueFullError("the ledger queue is full or gone")


def _expect_alive(sink: BatchSink) -> None:
    if not sink.alive:
        raise SinkLost("the connection was lost while nothing was being posted")


def _fail(batch: list[_Waiting]) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(ProblemError(ProblemType.UNAVAILABLE, f"the broker did not confirm; {_AGAIN}"))
