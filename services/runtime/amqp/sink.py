"""A batch sink on aiormq."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal

from aiormq import spec
from aiormq.abc import AbstractChannel
from aiormq.exceptions import AMQPError, DeliveryError, PublishError

from services.runtime.amqp.connection import Line, describe, is_blocked, open_line, surprises_as
from services.runtime.kill_points import reached
from services.runtime.ports import Failure, Publication, SinkLost

PERSISTENT = 2

Wave = list[tuple[int, Publication]]


class ChannelSink:
    """Publishes to one exchange with confirms; ``services.runtime.ports.BatchSink`` has the contract."""

    def __init__(self, exchange: str, confirm_timeout: float) -> None:
        self._exchange = exchange
        self._confirm_timeout = confirm_timeout
        self._line: Line | None = None
        self._refused = False
        self._loss: str | None = None
        self._lost = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def alive(self) -> bool:
        """False once the sink is lost."""
        return not self._lost.is_set()

    def use(self, line: Line) -> None:
        """Publish over ``line``, whose channel is in confirm mode and raises returns."""
        self._line = line

    def lose(self, reason: str) -> None:
        """End it: no outcome that is still open will be known."""
        self._loss = self._loss or reason
        self._lost.set()

    async def publish(self, publications: Sequence[Publication]) -> list[Failure]:
        """Publish all and return the failures, by position. Raises SinkLost."""
        async with self._turn:
            if self._refused:
                await self._change_channel()
            failures: list[Failure] = []
            for wave in waves(publications):
                failures += await self._publish_wave(wave)
            self._refused = any(failure.reason == "nacked" for failure in failures)
            return failures

    async def _change_channel(self) -> None:
        """Go on over another channel after a nack.

        A channel of RabbitMQ 3.10 learns at its first publish which node leads a quorum queue. If that node is down, it
        refuses this publication and all that follow, though the queue has long had another leader.
        """
        line = self._raise_if_lost()
        try:
            with surprises_as(SinkLost, f"changing the channel on {self._exchange}"):
                await line.change_channel()
        except BaseException as error:
            self.lose(describe(error))
            raise

    async def _publish_wave(self, wave: Wave) -> list[Failure]:
        channel = self._raise_if_lost().channel
        # Tasks start in the order they are made in and take the channel's lock in it: the order on the wire.
        tasks = [asyncio.create_task(self._publish_one(channel, publication)) for _, publication in wave]
        try:
            await self._until_confirmed(channel, tasks)
            outcomes = [(position, _outcome(task)) for (position, _), task in zip(wave, tasks, strict=True)]
        except BaseException as error:
            self.lose(f"a publish was broken off ({describe(error)})")
            await _abandon(tasks)
            raise
        return [Failure(position, reason) for position, reason in outcomes if reason is not None]

    async def _publish_one(self, channel: AbstractChannel, publication: Publication) -> object:
        outcome = await channel.basic_publish(
            publication.body,
            exchange=self._exchange,
            routing_key=publication.routing_key,
            properties=_properties(publication),
            mandatory=True,
        )
        # The broker has it, and the publisher does not know yet.
        reached("published", self._exchange)
        return outcome

    async def _until_confirmed(self, channel: AbstractChannel, tasks: Sequence[asyncio.Task[object]]) -> None:
        """Wait for all outcomes, as long as some keep coming or the broker is known to be blocked."""
        everything = asyncio.gather(*tasks, return_exceptions=True)
        loss = asyncio.create_task(self._lost.wait())
        settled, blocked = 0, False
        try:
            while not everything.done():
                await asyncio.wait(
                    (everything, loss), timeout=self._confirm_timeout, return_when=asyncio.FIRST_COMPLETED
                )
                before, settled = settled, sum(task.done() for task in tasks)
                if everything.done() or settled > before:
                    continue
                # A broker that was blocked until a moment ago has the whole time for its confirms from then on.
                was_blocked, blocked = blocked, await is_blocked(channel.connection)
                if self._lost.is_set() or not (blocked or was_blocked):
                    self.lose(f"no confirmation within {self._confirm_timeout:g} s")
                    raise self._as_lost()
        finally:
            loss.cancel()

    def _raise_if_lost(self) -> Line:
        if self._line is None or self._lost.is_set():
            raise self._as_lost()
        return self._line

    def _as_lost(self) -> SinkLost:
        return SinkLost(f"the sink on {self._exchange} is lost: {self._loss or 'not open'}")


@asynccontextmanager
async def open_sink(url: str, name: str, exchange: str, *, confirm_timeout: float) -> AsyncIterator[ChannelSink]:
    """A sink on ``exchange`` over a connection of its own. Raises SinkLost when it cannot be opened."""
    sink = ChannelSink(exchange, confirm_timeout)
    async with AsyncExitStack() as stack:
        with surprises_as(SinkLost, f"opening a sink on {exchange}"):
            sink.use(await stack.enter_async_context(open_line(url, name, sink.lose)))
        try:
            yield sink
        finally:
            sink.lose("closed by its user")


def waves(publications: Sequence[Publication]) -> Iterator[Wave]:
    """The publications with their positions, cut wherever an id would come a second time.

    aiormq finds the publish that a return belongs to by the message id: with one id twice in flight, the return of the
    one is charged to the other, and the lost message passes for confirmed.
    """
    wave: Wave = []
    ids: set[str] = set()
    for position, publication in enumerate(publications):
        if publication.message_id and publication.message_id in ids:
            yield wave
            wave, ids = [], set()
        wave.append((position, publication))
        ids.add(publication.message_id or "")
    if wave:
        yield wave


def _outcome(task: asyncio.Task[object]) -> Literal["returned", "nacked"] | None:
    """What became of a publish: None when it was confirmed. Raises SinkLost when that is not known."""
    if task.cancelled():
        raise SinkLost("the channel closed before the confirmation came")
    match task.exception():
        case None if isinstance(task.result(), spec.Basic.Ack):
            return None
        case PublishError():
            return "returned"
        case DeliveryError():
            return "nacked"
        case ValueError() | TypeError() as error:
            # The publication cannot be written down: that is a fault of the caller's, and trying again does not help.
            raise error
        case error:
            raise SinkLost(f"the outcome of a publish is unknown: {describe(error or AMQPError(repr(task.result())))}")


async def _abandon(tasks: Sequence[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _properties(publication: Publication) -> spec.Basic.Properties:
    return spec.Basic.Properties(
        content_type=publication.content_type,
        correlation_id=publication.correlation_id,
        delivery_mode=PERSISTENT,
        headers=dict(publication.headers) or None,
        message_id=publication.message_id,
        message_type=publication.type,
    )
