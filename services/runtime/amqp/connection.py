"""One connection with one channel, and word when it is over. What aiormq raises goes no further than this package."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.abc import AbstractChannel
from aiormq.abc import AbstractConnection as UnderlayConnection

from services.runtime.hosts import each_host
from services.runtime.ports import PortError

HEARTBEAT_SECONDS = 10
CONNECT_SECONDS = 5.0
CHANNEL_SECONDS = 3.0
CLOSE_SECONDS = 3.0
BLOCKED_PROBE_SECONDS = 0.05


class Line:
    """A connection and the channel in use on it."""

    def __init__(self, channel: AbstractChannel, on_lost: Callable[[str], None]) -> None:
        self.channel = channel
        self._on_lost = on_lost
        self._closing = channel.closing
        for closing in (self._closing, channel.connection.closing):
            closing.add_done_callback(self._report)

    async def change_channel(self) -> None:
        """Go on over another channel like this one, whose end is no loss. Raises as ``open_line`` does."""
        self._closing.remove_done_callback(self._report)
        async with asyncio.timeout(CHANNEL_SECONDS):
            # Closed first: its number is free then, and the broker allows few numbers.
            await self.channel.close()
            self.channel = await self.channel.connection.channel(self.channel.number, on_return_raises=True)
        self._closing = self.channel.closing
        self._closing.add_done_callback(self._report)

    def _report(self, closing: asyncio.Future[object]) -> None:
        error = None if closing.cancelled() else closing.exception()
        self._on_lost("closed" if error is None else describe(error))


@asynccontextmanager
async def open_line(url: str, name: str, on_lost: Callable[[str], None]) -> AsyncIterator[Line]:
    """A channel in confirm mode on a connection of its own, which the broker's list shows as ``name``.

    ``url`` may name several hosts, the nodes of a cluster, of which any will do.
    ``on_lost`` is told, once or more often, why the channel or its connection ended. Raises whatever aiormq raises, or
    TimeoutError, when it cannot be opened in time; together the limits are shorter than what a
    service is given to stop.
    """
    async with asyncio.timeout(CONNECT_SECONDS):
        connection = await _connect(url, name)
    try:
        async with asyncio.timeout(CHANNEL_SECONDS):
            # With returns raised, an unroutable publication cannot pass for a confirmed one.
            outer = connection.channel(on_return_raises=True)
            await outer.initialize()
            channel = await outer.get_underlay_channel()
        yield Line(channel, on_lost)
    finally:
        await _close(connection)


async def _connect(url: str, name: str) -> AbstractConnection:
    """A connection to one of the hosts of ``url``; in random order, so that the nodes share the connections."""
    hosts = each_host(url)
    turn = random.sample(hosts, len(hosts))
    while True:
        host = turn.pop()
        try:
            # Each has its share of the time: a node that takes connections and says nothing must not use it all up.
            async with asyncio.timeout(CONNECT_SECONDS / len(hosts)):
                return await aio_pika.connect(
                    host, heartbeat=HEARTBEAT_SECONDS, client_properties={"connection_name": name}
                )
        except Exception:
            # Whatever keeps this node from letting us in, the next one may.
            if not turn:
                raise


@contextmanager
def surprises_as(lost: type[PortError], doing: str) -> Iterator[None]:
    """Whatever goes wrong inside is raised as ``lost``, but for the caller's own cancellation.

    aiormq rejects what waits on a dying channel with whatever ended it: its own errors, a bare Exception, even
    CancelledError without anyone having cancelled.
    """
    try:
        yield
    except PortError:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise lost(f"{doing}: the channel closed") from error
    except Exception as error:
        raise lost(f"{doing}: {describe(error)}") from error


def describe(error: BaseException) -> str:
    """An error in one line, with its type, since many of these have no text."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


async def is_blocked(connection: UnderlayConnection) -> bool:
    """Whether the broker has said that it takes nothing for now (``connection.blocked``: a memory or disk alarm)."""
    try:
        async with asyncio.timeout(BLOCKED_PROBE_SECONDS):
            await connection.ready()
    except TimeoutError:
        return True
    return False


async def _close(connection: AbstractConnection) -> None:
    # A broker that hangs must not hold up a service that stops; the connection then ends with its heartbeats.
    with suppress(_CloseFailedError), surprises_as(_CloseFailedError, "closing"):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close()


class _CloseFailedError(PortError):
    """Closing did not work; nobody minds."""
