"""Opens a line: connects, says who is there, agrees on sizes and heartbeats, and opens the channel."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from pamqp import commands
from pamqp.constants import VERSION

from services.runtime.lane.address import Address
from services.runtime.lane.frames import FRAME_MAX, Cut
from services.runtime.lane.line import Line, LineLostError

CONNECT_SECONDS = 5.0
HEARTBEAT_SECONDS = 10
CHANNEL_MAX = 1
SMALLEST_FRAME_MAX = 4096
"""Which every peer has to take (AMQP 0-9-1 section 4.2.3)."""

_PROTOCOL_HEADER = b"AMQP\0" + bytes(VERSION)


@asynccontextmanager
async def open_line(
    addresses: Sequence[Address], name: str, take: Callable[[Cut], None], lost: Callable[[str], None]
) -> AsyncIterator[Line]:
    """A line with an open channel to one of the hosts, which the broker's list shows as ``name``.

    Raises LineLostError, OSError or TimeoutError when none can be opened in time.
    """
    async with asyncio.timeout(CONNECT_SECONDS):
        line = await _connect_to_any(addresses, name, take, lost)
    try:
        yield line
    finally:
        await line.close()


async def _connect_to_any(
    addresses: Sequence[Address], name: str, take: Callable[[Cut], None], lost: Callable[[str], None]
) -> Line:
    """In random order, so that the nodes share the connections."""
    turn = random.sample(addresses, len(addresses))
    while True:
        address = turn.pop()
        try:
            # Each has its share of the time: a node that takes connections and says nothing must not use it all up.
            async with asyncio.timeout(CONNECT_SECONDS / len(addresses)):
                return await _connect(address, name, take, lost)
        except (LineLostError, OSError):
            # Whatever keeps this node from letting us in, the next one may.
            if not turn:
                raise


async def _connect(address: Address, name: str, take: Callable[[Cut], None], lost: Callable[[str], None]) -> Line:
    opened = False

    def tell(reason: str) -> None:
        # A host that does not let us in is no loss to a user who may be let in by the next one.
        if opened:
            lost(reason)

    line = Line(take, tell)
    await asyncio.get_running_loop().create_connection(lambda: line, address.host, address.port, ssl=address.tls)
    try:
        await _introduce(line, address, name)
        await line.ask(commands.Channel.Open(), commands.Channel.OpenOk)
    except BaseException:
        line.lose("it was not opened in time")
        raise
    opened = True
    return line


async def _introduce(line: Line, address: Address, name: str) -> None:
    line.write(_PROTOCOL_HEADER)
    start = await line.ask(None, commands.Connection.Start)
    if address.mechanism not in start.mechanisms.split():
        raise LineLostError(f"the broker does not take {address.mechanism}")
    answer = commands.Connection.StartOk(
        client_properties={
            "product": "huizhi",
            "connection_name": name,
            "capabilities": {
                "authentication_failure_close": True,
                "basic.nack": True,
                "connection.blocked": True,
                "consumer_cancel_notify": True,
                "publisher_confirms": True,
            },
        },
        mechanism=address.mechanism,
        response=f"\0{address.account}\0{address.password}" if address.mechanism == "PLAIN" else "",
        locale="en_US",
    )
    tune = await line.ask(answer, commands.Connection.Tune)
    # Zero means that the broker has no limit, or no heartbeat, of its own.
    frame_max = min(tune.frame_max or FRAME_MAX, FRAME_MAX)
    heartbeat = min(tune.heartbeat or HEARTBEAT_SECONDS, HEARTBEAT_SECONDS)
    if frame_max < SMALLEST_FRAME_MAX:
        raise LineLostError(f"the broker takes frames of {frame_max} bytes at most")
    line.send(commands.Connection.TuneOk(CHANNEL_MAX, frame_max, heartbeat))
    line.tune(frame_max, heartbeat)
    await line.ask(commands.Connection.Open(virtual_host=address.vhost), commands.Connection.OpenOk)
