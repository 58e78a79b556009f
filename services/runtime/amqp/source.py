"""A batch source on aiormq."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from aiormq import spec
from aiormq.abc import AbstractChannel, DeliveredMessage

from services.runtime.amqp.connection import open_line, surprises_as
from services.runtime.amqp.tolerance import legible
from services.runtime.ports import Delivery, Properties, SourceLost

ANSWER_SECONDS = 10.0


class ChannelSource:
    """Takes one queue's messages in batches; ``services.runtime.ports.BatchSource`` has the contract."""

    def __init__(self, queue: str, size: int, linger: float) -> None:
        self._queue = queue
        self._size = size
        self._linger = linger
        self._channel: AbstractChannel | None = None
        self._lost: str | None = None
        self._buffer: deque[Delivery] = deque()
        self._unacked: deque[Delivery] = deque()
        self._news = asyncio.Event()

    @property
    def alive(self) -> bool:
        """False once the source is lost."""
        return self._lost is None

    async def consume(self, channel: AbstractChannel, prefetch: int) -> None:
        """Start taking messages over ``channel``."""
        self._channel = channel
        channel.on_consumer_cancel_callbacks.add(self._on_cancel)
        await channel.basic_qos(prefetch_count=prefetch)
        await channel.basic_consume(self._queue, self._on_message)

    def lose(self, reason: str) -> None:
        """End it: nothing that is in the buffer is ours any more."""
        if self._lost is None:
            self._lost = reason
            self._buffer.clear()
            self._news.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Delivery]:
        """The next batch. Raises SourceLost."""
        self._raise_if_lost()
        if not self._buffer:
            await self._wait_for(1)
            if len(self._buffer) < self._size:
                await self._linger_for_more()
            self._raise_if_lost()
        batch = [self._buffer.popleft() for _ in range(min(self._size, len(self._buffer)))]
        self._unacked.extend(batch)
        return batch

    async def ack(self, through: Delivery) -> None:
        """Acknowledge ``through`` and all before it. Raises SourceLost, and ValueError for what is not its own."""
        channel = self._raise_if_lost()
        if not any(delivery is through for delivery in reversed(self._unacked)):
            raise ValueError("this delivery was acked already, or handed out by another source")
        with surprises_as(SourceLost, f"acknowledging messages of {self._queue}"):
            # Waits until it is written out: an acknowledgement still queued when the connection is closed is lost.
            async with asyncio.timeout(ANSWER_SECONDS):
                await channel.basic_ack(through.tag, multiple=True)
        while self._unacked.popleft() is not through:
            pass

    async def _on_message(self, message: DeliveredMessage) -> None:
        # It only enqueues: it runs in a task of the channel's, which dies with the channel.
        if self._lost is None:
            self._buffer.append(_delivery(message))
            self._news.set()

    async def _on_cancel(self, _frame: spec.Basic.Cancel) -> None:
        self.lose("the broker cancelled the consumer; its queue was deleted or its node went away")

    async def _wait_for(self, count: int) -> None:
        while len(self._buffer) < count:
            self._news.clear()
            await self._news.wait()
            self._raise_if_lost()

    async def _linger_for_more(self) -> None:
        try:
            async with asyncio.timeout(self._linger):
                await self._wait_for(self._size)
        except TimeoutError:
            return

    def _raise_if_lost(self) -> AbstractChannel:
        if self._lost is not None or self._channel is None:
            raise SourceLost(f"the source on {self._queue} is lost: {self._lost or 'not open'}")
        return self._channel


@asynccontextmanager
async def open_source(
    url: str, name: str, queue: str, *, size: int, linger: float, prefetch: int
) -> AsyncIterator[ChannelSource]:
    """A source on ``queue`` over a connection of its own. Raises SourceLost when it cannot be opened."""
    source = ChannelSource(queue, size, linger)
    async with AsyncExitStack() as stack:
        with surprises_as(SourceLost, f"opening a source on {queue}"):
            line = await stack.enter_async_context(open_line(url, name, source.lose))
            async with asyncio.timeout(ANSWER_SECONDS):
                await source.consume(line.channel, prefetch)
        try:
            yield source
        finally:
            source.lose("closed by its user")


def _delivery(message: DeliveredMessage) -> Delivery:
    frame = message.delivery
    assert isinstance(frame, spec.Basic.Deliver)  # noqa: S101 - a consumer is given nothing else.
    return Delivery(
        body=message.body,
        routing_key=legible(frame.routing_key) or "",
        redelivered=bool(frame.redelivered),
        tag=frame.delivery_tag or 0,
        properties=_properties(message.header.properties),
    )


def _properties(properties: spec.Basic.Properties) -> Properties:
    return Properties(
        content_type=legible(properties.content_type),
        content_encoding=legible(properties.content_encoding),
        headers=properties.headers or {},
        delivery_mode=properties.delivery_mode,
        priority=properties.priority,
        correlation_id=legible(properties.correlation_id),
        reply_to=legible(properties.reply_to),
        expiration=legible(properties.expiration),
        message_id=legible(properties.message_id),
        timestamp=properties.timestamp,
        type=legible(properties.message_type),
        user_id=legible(properties.user_id),
        app_id=legible(properties.app_id),
        cluster_id=legible(properties.cluster_id),
    )
