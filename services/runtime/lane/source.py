"""A batch source on a line."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from pamqp import commands

from services.runtime.lane.address import Address
from services.runtime.lane.frames import Cut, ProtocolViolationError
from services.runtime.lane.handshake import open_line
from services.runtime.lane.line import Line
from services.runtime.lane.surprises import surprises_as
from services.runtime.lane.wire import ack_frame
from services.runtime.ports import Delivery, SourceLost

ANSWER_SECONDS = 10.0


class LaneSource:
    """Takes one queue's messages in batches; ``services.runtime.ports.BatchSource`` has the contract."""

    def __init__(self, queue: str, size: int, linger: float, prefetch: int) -> None:
        self._queue = queue
        self._size = size
        self._linger = linger
        self._prefetch = prefetch
        self._line: Line | None = None
        self._lost: str | None = None
        self._next_tag = 1
        self._buffer: list[Delivery] = []
        self._unacked: list[Delivery] = []
        self._wanted = 0
        self._enough = asyncio.Event()

    @property
    def alive(self) -> bool:
        """False once the source is lost."""
        return self._lost is None

    async def consume(self, line: Line) -> None:
        """Start taking messages over ``line``. Raises LineLostError."""
        self._line = line
        await line.ask(commands.Basic.Qos(prefetch_count=self._prefetch), commands.Basic.QosOk)
        await line.ask(commands.Basic.Consume(queue=self._queue), commands.Basic.ConsumeOk)

    def take(self, cut: Cut) -> None:
        """Take what one read brought. Raises ProtocolViolationError."""
        arrived = cut.deliveries
        if not arrived or self._lost is not None:
            return
        if arrived[0].tag != self._next_tag or arrived[-1].tag - arrived[0].tag != len(arrived) - 1:
            raise ProtocolViolationError("deliveries that are not numbered in turn")
        self._next_tag += len(arrived)
        self._buffer += arrived
        if len(self._buffer) + len(self._unacked) > self._prefetch:
            raise ProtocolViolationError("more deliveries than it was asked for")
        if len(self._buffer) >= self._wanted:
            self._enough.set()

    def lose(self, reason: str) -> None:
        """End it: nothing that is in the buffer is ours any more."""
        if self._lost is None:
            self._lost = reason
            self._buffer.clear()
            self._enough.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Delivery]:
        """The next batch. Raises SourceLost."""
        self._raise_if_lost()
        if not self._buffer:
            await self._wait_for(1)
            if len(self._buffer) < self._size:
                await self._linger_for_more()
        batch, self._buffer = self._buffer[: self._size], self._buffer[self._size :]
        self._unacked += batch
        return batch

    async def ack(self, through: Delivery) -> None:
        """Acknowledge ``through`` and all before it. Raises SourceLost, and ValueError for what is not its own."""
        line = self._raise_if_lost()
        place = through.tag - self._unacked[0].tag if self._unacked else -1
        if not 0 <= place < len(self._unacked) or self._unacked[place] is not through:
            raise ValueError("this delivery was acked already, or handed out by another source")
        with surprises_as(SourceLost, f"acknowledging messages of {self._queue}"):
            line.write(ack_frame(through.tag))
        del self._unacked[: place + 1]
        # uvloop writes what it was given at the end of its turn: whoever goes on may then count on it.
        await asyncio.sleep(0)

    async def _wait_for(self, count: int) -> None:
        self._wanted = count
        if len(self._buffer) < count:
            self._enough.clear()
            await self._enough.wait()
        self._raise_if_lost()

    async def _linger_for_more(self) -> None:
        try:
            async with asyncio.timeout(self._linger):
                await self._wait_for(self._size)
        except TimeoutError:
            self._raise_if_lost()

    def _raise_if_lost(self) -> Line:
        if self._lost is not None or self._line is None:
            raise SourceLost(f"the source on {self._queue} is lost: {self._lost or 'not open'}")
        return self._line


@asynccontextmanager
async def open_source(
    addresses: Sequence[Address], name: str, queue: str, *, size: int, linger: float, prefetch: int
) -> AsyncIterator[LaneSource]:
    """A source on ``queue`` over a line of its own. Raises SourceLost when it cannot be opened."""
    source = LaneSource(queue, size, linger, prefetch)
    async with AsyncExitStack() as stack:
        with surprises_as(SourceLost, f"opening a source on {queue}"):
            line = await stack.enter_async_context(open_line(addresses, name, source.take, source.lose))
            async with asyncio.timeout(ANSWER_SECONDS):
                await source.consume(line)
        try:
            yield source
        finally:
            source.lose("closed by its user")
