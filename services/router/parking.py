"""Parking: what could not be placed is tried again when directory, participants or inboxes may have changed.

A sweep takes what lies in the parking queue and places it or puts it back at the end, marked as its own. It ends at the
first message that carries its mark, so that every message is tried once. The queue has a single active consumer: two
routers do not chase each other.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from itertools import takewhile

import structlog

from contracts.batch import Parked, ParkedMessage, decode_parked
from services.router.placing import SWEPT, Placing
from services.runtime.kill_points import reached
from services.runtime.lifecycle import Stop
from services.runtime.ports import BatchSource, Broker, Delivery, SinkLost, SourceLost
from services.runtime.pump import Sinks
from services.runtime.topology import INBOX, PARKING, REPORTS

_BATCH = 100
_EMPTY_SECONDS = 0.5
"""A queue from which nothing came for so long is taken to be empty."""

log = structlog.get_logger(__name__)


class Parking:
    """Sweeps the parking queue whenever it is nudged, and every ``interval_s`` seconds."""

    def __init__(self, broker: Broker, placing: Placing, interval_s: float) -> None:
        self._broker = broker
        self._placing = placing
        self._interval_s = interval_s
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Sweep soon: something changed."""
        self._nudged.set()

    async def run(self, stop: Stop) -> None:
        """Sweep until the stop. A broker that is away is waited for."""
        while not stop.is_set:
            await self._until_nudged(stop)
            self._nudged.clear()
            if stop.is_set:
                return
            try:
                await self.sweep(stop)
            except (SourceLost, SinkLost) as loss:
                log.warning("sweep_interrupted", reason=str(loss))

    async def sweep(self, stop: Stop) -> None:
        """Try everything that is parked now once. Raises SourceLost and SinkLost; what was in hand stays parked."""
        sweep = str(uuid.uuid4())
        async with AsyncExitStack() as stack:
            sinks = {
                exchange: await stack.enter_async_context(self._broker.open_sink(exchange))
                for exchange in (INBOX, PARKING, REPORTS)
            }
            source = await stack.enter_async_context(
                self._broker.open_source(PARKING, size=_BATCH, linger=0.0, prefetch=_BATCH)
            )
            async for deliveries in _until_empty(source, stop):
                waiting = list(takewhile(lambda delivery: _swept_by(delivery) != sweep, deliveries))
                if waiting:
                    await self._try_again([decode_parked(delivery.body) for delivery in waiting], sinks, sweep)
                    reached("router.swept")
                    await source.ack(waiting[-1])
                if len(waiting) < len(deliveries):
                    return

    async def _try_again(self, parked: Sequence[ParkedMessage], sinks: Sinks, sweep: str) -> None:
        reasons = {(waiting.message.id, waiting.message.duty): waiting.reason for waiting in parked}
        placed = await self._placing.place([waiting.message for waiting in parked], sinks, sweep)
        changed = [
            Parked(waiting.message.id, waiting.reason, waiting.message.duty)
            for waiting in placed.parked_messages
            if waiting.reason != reasons[waiting.message.id, waiting.message.duty]
        ]
        await self._placing.report([*placed.dispatched, *changed], sinks)
        log.info("parked_tried_again", placed=len(placed.dispatched), parked=len(placed.parked))

    async def _until_nudged(self, stop: Stop) -> None:
        nudged = asyncio.ensure_future(self._nudged.wait())
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((nudged, stopping), timeout=self._interval_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nudged.cancel()
            stopping.cancel()


async def _until_empty(source: BatchSource, stop: Stop) -> AsyncIterator[list[Delivery]]:
    while not stop.is_set:
        try:
            async with asyncio.timeout(_EMPTY_SECONDS):
                deliveries = await anext(source)
        except TimeoutError:
            return
        yield deliveries


def _swept_by(delivery: Delivery) -> object:
    return delivery.properties.headers.get(SWEPT)
