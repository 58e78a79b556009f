"""The loop that every hop shares: take a batch, have it handled, acknowledge it, and never give up on the broker."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from services.runtime.kill_points import reached
from services.runtime.lifecycle import Stop
from services.runtime.metrics import PumpMetrics
from services.runtime.ports import BatchSink, BatchSource, Broker, Delivery, SinkLost, SourceLost
from services.runtime.settings import BatchSettings

BACKOFF_LIMIT_SECONDS = 10.0

Sinks = Mapping[str, BatchSink]
Handle = Callable[[Sequence[Delivery], Sinks], Awaitable[None]]

log = structlog.get_logger(__name__)


class Pump:
    """Moves batches from one queue through ``handle``, which is given the sinks by the names of their exchanges.

    ``handle`` returns when everything that the batch called for is confirmed or committed; the batch is then acked.
    ``handle`` lets SinkLost pass: source and sinks are then opened anew, and the batch comes again. It waits out
    whatever else is away, such as the database: every return of a message counts against its queue's delivery limit.
    Any other exception ends the pump and with it the service. ``on_open`` is called when the source was opened anew,
    before the first batch: another consumer may have been the active one in between. Nothing is opened before
    ``after``, where given, has returned.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        queue: str,
        exchanges: Sequence[str],
        handle: Handle,
        settings: BatchSettings,
        metrics: PumpMetrics,
        on_open: Callable[[], None] = lambda: None,
        after: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._broker = broker
        self._queue = queue
        self._exchanges = exchanges
        self._handle = handle
        self._settings = settings
        self._metrics = metrics
        self._on_open = on_open
        self._after = after
        self._trouble: str | None = "not connected yet"
        metrics.connected.labels(queue).set(0)

    @property
    def queue(self) -> str:
        """The queue it takes from."""
        return self._queue

    def check(self) -> str | None:
        """A readiness check: None while connected, otherwise why not."""
        return self._trouble

    async def run(self, stop: Stop) -> None:
        """Pump until the stop; the batch in hand is then finished and acknowledged."""
        if self._after is not None:
            await _either(self._after(), stop.wait())
        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, SourceLost | SinkLost) and not stop.is_set),
            wait=wait_random_exponential(multiplier=0.1, max=BACKOFF_LIMIT_SECONDS),
            sleep=stop.sleep,
            before_sleep=self._log_retry,
            reraise=True,
        )
        while not stop.is_set:
            try:
                await retrying(self._session, stop)
            except (SourceLost, SinkLost):
                if not stop.is_set:
                    raise

    async def _session(self, stop: Stop) -> None:
        """One life of source and sinks. Returns at the stop, or lost after some progress: then there is no back-off."""
        if stop.is_set:
            return
        progress = False
        try:
            async with AsyncExitStack() as stack:
                # Sinks first: what cannot be passed on is not taken either.
                sinks = {
                    exchange: await stack.enter_async_context(self._broker.open_sink(exchange))
                    for exchange in self._exchanges
                }
                source = await stack.enter_async_context(
                    self._broker.open_source(
                        self._queue,
                        size=self._settings.size,
                        linger=self._settings.linger,
                        prefetch=self._settings.prefetch,
                    )
                )
                self._connected()
                while (batch := await _next_batch(source, stop)) is not None:
                    await self._pass_on(batch, source, sinks)
                    progress = True
        except (SourceLost, SinkLost) as loss:
            self._disconnected(loss)
            if not progress:
                raise
        finally:
            self._trouble = self._trouble or "stopped"
            self._metrics.connected.labels(self._queue).set(0)

    async def _pass_on(self, batch: Sequence[Delivery], source: BatchSource, sinks: Sinks) -> None:
        started = time.perf_counter()
        reached("taken", self._queue)
        await self._handle(batch, sinks)
        await source.ack(batch[-1])
        reached("acked", self._queue)
        self._metrics.seconds.labels(self._queue).observe(time.perf_counter() - started)
        self._metrics.messages.labels(self._queue).observe(len(batch))

    def _connected(self) -> None:
        self._trouble = None
        self._on_open()
        self._metrics.connected.labels(self._queue).set(1)
        log.info("pump_connected", queue=self._queue)

    def _disconnected(self, loss: Exception) -> None:
        self._trouble = str(loss)
        self._metrics.losses.labels(self._queue).inc()
        log.warning("pump_disconnected", queue=self._queue, reason=str(loss))

    def _log_retry(self, state: RetryCallState) -> None:
        log.info("pump_retry", queue=self._queue, attempt=state.attempt_number, delay_seconds=state.upcoming_sleep)


async def _either(*waits: Awaitable[object]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _next_batch(source: BatchSource, stop: Stop) -> list[Delivery] | None:
    """The next batch; None at the stop. What the source had not handed out by then stays in its queue."""
    if stop.is_set:
        return None
    taking = asyncio.ensure_future(anext(source))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((taking, stopping), return_when=asyncio.FIRST_COMPLETED)
        return taking.result() if taking.done() else None
    finally:
        taking.cancel()
        stopping.cancel()
