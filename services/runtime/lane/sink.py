"""A batch sink on a line."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from pamqp import commands

from services.runtime.kill_points import reached
from services.runtime.lane.address import Address
from services.runtime.lane.confirms import Confirms
from services.runtime.lane.frames import Confirm, Cut, Returned
from services.runtime.lane.handshake import open_line
from services.runtime.lane.line import Line
from services.runtime.lane.surprises import describe, surprises_as
from services.runtime.lane.wire import Writer
from services.runtime.ports import Failure, Publication, SinkLost

CHANNEL_SECONDS = 3.0

WRITE_BYTES = 256 * 1024
"""So much is given to the socket at a time, a message more at most."""

UNSETTLED_MESSAGES = 2000
UNSETTLED_BYTES = 8 * 1024**2
"""No more than this is on its way unconfirmed; a single message may be larger."""


class LaneSink:
    """Publishes to one exchange with confirms; ``services.runtime.ports.BatchSink`` has the contract."""

    def __init__(self, exchange: str, confirm_timeout: float) -> None:
        self._exchange = exchange
        self._confirm_timeout = confirm_timeout
        self._line: Line | None = None
        self._writer: Writer | None = None
        self._confirms = Confirms()
        self._refused = False
        self._loss: str | None = None
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._progress_at = 0.0
        self._awaited = 0
        self._settled: asyncio.Future[None] | None = None

    @property
    def alive(self) -> bool:
        """False once the sink is lost."""
        return self._loss is None

    async def use(self, line: Line) -> None:
        """Publish over ``line`` from now on. Raises LineLostError."""
        self._confirms = Confirms()
        await line.ask(commands.Confirm.Select(), commands.Confirm.SelectOk)
        self._writer = Writer(self._exchange, line.frame_max)
        self._line = line

    def take(self, cut: Cut) -> None:
        """Take what one read brought. Raises ProtocolViolationError."""
        if self._loss is not None:
            return
        for event in cut.events:
            if isinstance(event, Confirm):
                confirmed = self._confirms.settle(event)
                self._progress_at = self._loop.time()
                # The broker has them, and the publisher does not know yet.
                reached("published", self._exchange, times=confirmed)
            elif isinstance(event, Returned):
                self._confirms.give_back(event)
        self._wake()

    def lose(self, reason: str) -> None:
        """End it: no outcome that is still open will be known."""
        if self._loss is None:
            self._loss = reason
            self._wake()

    async def publish(self, publications: Sequence[Publication]) -> list[Failure]:
        """Publish all and return the failures, by position. Raises SinkLost."""
        async with self._turn:
            line = self._raise_if_lost()
            try:
                with surprises_as(SinkLost, f"publishing to {self._exchange}"):
                    if self._refused:
                        await self._change_channel(line)
                    failures = await self._publish(line, publications)
            except BaseException as error:
                self.lose(f"a publish was broken off ({describe(error)})")
                raise
            self._refused = any(failure.reason == "nacked" for failure in failures)
            return failures

    async def _change_channel(self, line: Line) -> None:
        """Go on over another channel after a nack.

        A channel of RabbitMQ 3.10 learns at its first publish which node leads a quorum queue. If that node is down, it
        refuses this publication and all that follow, though the queue has long had another leader.
        """
        async with asyncio.timeout(CHANNEL_SECONDS):
            await line.ask(commands.Channel.Close(200, "", 0, 0), commands.Channel.CloseOk)
            await line.ask(commands.Channel.Open(), commands.Channel.OpenOk)
            await self.use(line)

    async def _publish(self, line: Line, publications: Sequence[Publication]) -> list[Failure]:
        assert self._writer is not None  # noqa: S101 - there is one with the line.
        self._confirms.begin()
        self._progress_at = self._loop.time()
        pending: list[bytes] = []
        pending_bytes = unsettled_bytes = 0
        for publication in publications:
            written = self._writer.write(publication)
            self._confirms.published(publication)
            pending.append(written)
            pending_bytes += len(written)
            unsettled_bytes += len(written)
            full = self._confirms.unsettled >= UNSETTLED_MESSAGES
            heavy = unsettled_bytes >= UNSETTLED_BYTES
            # What is waited for below has to be on its way.
            if full or heavy or pending_bytes >= WRITE_BYTES:
                await self._write(line, pending)
                pending_bytes = 0
            if heavy:
                await self._until_unsettled(line, 0)
                unsettled_bytes = 0
            elif full:
                # The other half is still under way.
                await self._until_unsettled(line, UNSETTLED_MESSAGES // 2)
        await self._write(line, pending)
        await self._until_unsettled(line, 0)
        return [Failure(position, reason) for position, reason in self._confirms.failures]

    async def _write(self, line: Line, pending: list[bytes]) -> None:
        line.write(b"".join(pending))
        pending.clear()
        while line.congested:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience(line)):
                    await line.writable()

    async def _until_unsettled(self, line: Line, count: int) -> None:
        """Wait until no more than so many have no outcome, as long as some keep coming."""
        self._awaited = count
        while self._confirms.unsettled > count:
            self._raise_if_lost()
            self._settled = self._loop.create_future()
            timer = self._loop.call_later(self._patience(line), _resolve, self._settled)
            try:
                await self._settled
            finally:
                timer.cancel()

    def _patience(self, line: Line) -> float:
        """For how many seconds to wait before asking again. Raises SinkLost when it is at an end.

        A blocked broker is waited for, and has the whole time for its confirms from when it is not any more.
        """
        if line.blocked:
            return self._confirm_timeout
        left = max(self._progress_at, line.unblocked_at) + self._confirm_timeout - self._loop.time()
        if left <= 0:
            self.lose(f"no confirmation within {self._confirm_timeout:g} s")
            self._raise_if_lost()
        return left

    def _wake(self) -> None:
        if self._settled is not None and (self._loss is not None or self._confirms.unsettled <= self._awaited):
            _resolve(self._settled)

    def _raise_if_lost(self) -> Line:
        if self._line is None or self._loss is not None:
            raise SinkLost(f"the sink on {self._exchange} is lost: {self._loss or 'not open'}")
        return self._line


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


@asynccontextmanager
async def open_sink(
    addresses: Sequence[Address], name: str, exchange: str, *, confirm_timeout: float
) -> AsyncIterator[LaneSink]:
    """A sink on ``exchange`` over a line of its own. Raises SinkLost when it cannot be opened."""
    sink = LaneSink(exchange, confirm_timeout)
    async with AsyncExitStack() as stack:
        with surprises_as(SinkLost, f"opening a sink on {exchange}"):
            line = await stack.enter_async_context(open_line(addresses, name, sink.take, sink.lose))
            async with asyncio.timeout(CHANNEL_SECONDS):
                await sink.use(line)
        try:
            yield sink
        finally:
            sink.lose("closed by its user")
