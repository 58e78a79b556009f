"""A TCP proxy before a server that can withhold the server's words, cut the line, or be away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Proxy:
    """Passes bytes on; ``deaf`` withholds everything that the server says from then on."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._lines: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.deaf = False
        self.port = 0

    @property
    def url(self) -> str:
        """The URL with the proxy in the server's place."""
        credentials = f"{self._parts.username}:{self._parts.password}"
        return self._parts._replace(netloc=f"{credentials}@127.0.0.1:{self.port}").geturl()

    def cut(self) -> None:
        """Reset all connections."""
        for line in self._lines:
            line.transport.abort()

    async def open(self) -> None:
        """Listen: on any port at first, later on the same one again."""
        self._server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Reset all connections and take no more."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client to the server."""
        to_reader, to_writer = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._lines |= {writer, to_writer}
        for source, target, from_server in ((reader, to_writer, False), (to_reader, writer, True)):
            task = asyncio.create_task(self._pass_on(source, target, from_server=from_server))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, from_server: bool) -> None:
        try:
            # Either end may break off.
            with suppress(ConnectionError):
                while data := await source.read(65536):
                    if not (from_server and self.deaf):
                        target.write(data)
                        await target.drain()
        finally:
            target.transport.abort()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server of ``url``."""
    proxy = Proxy(url)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
