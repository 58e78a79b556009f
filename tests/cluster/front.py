"""The load balancer that participants see before a cluster: one address, and behind it whichever node answers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle

from services.cli.stack.ports import HOST

CONNECT_SECONDS = 1.0


class Front:
    """Leads each new connection to the next of ``places`` (``host:port``) that answers."""

    def __init__(self, places: Sequence[str]) -> None:
        self._turn = cycle(places)
        self._count = len(places)
        self._tasks: set[asyncio.Task[None]] = set()
        self.place = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client to a server, or send it away when none answers."""
        for _ in range(self._count):
            host, _, port = next(self._turn).rpartition(":")
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    from_server, to_server = await asyncio.open_connection(host, int(port))
                self._join(reader, to_server)
                self._join(from_server, writer)
                return
        writer.transport.abort()

    async def close(self) -> None:
        """Cut all lines."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _join(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_pass_on(source, target))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        # Either end may break off.
        with suppress(ConnectionError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
    finally:
        target.transport.abort()


@asynccontextmanager
async def front(places: Sequence[str]) -> AsyncIterator[Front]:
    """A front before servers at these places."""
    before = Front(places)
    server = await asyncio.start_server(before.serve, HOST, 0)
    before.place = f"{HOST}:{server.sockets[0].getsockname()[1]}"
    try:
        yield before
    finally:
        server.close()
        await before.close()
        await server.wait_closed()
