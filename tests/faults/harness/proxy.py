"""A TCP proxy that loses what a server says at the worst moment: a confirm, the reply to a COMMIT, or everything.

It understands just enough of both protocols: AMQP 0-9-1 frames (section 2.3), of which it drops ``basic.ack``, and
PostgreSQL's simple query ``COMMIT;``, after which the server's words are withheld on that connection.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from services.cli.stack.ports import HOST

_CONFIRM = b"\x00\x3c\x00\x50"
_METHOD = 1
_FRAME_HEAD = 7
_COMMIT = b"COMMIT;\x00"
_WRITER = b"application_name\x00huizhi ledger writer\x00"


@dataclass(slots=True, eq=False)
class _Line:
    """One client's way to the server and back."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    open: asyncio.Event
    deaf: bool = False
    unconfirmed: bool = False
    writes: bool = False
    frames: bytearray = field(default_factory=bytearray)

    def cut(self) -> None:
        self.client.transport.abort()
        self.server.transport.abort()


class Proxy:
    """Passes everything on until it is told otherwise. What it lost is counted in ``confirms`` and ``commits``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._confirms_pass: int | None = None
        self._commits_pass: int | None = None
        self._hold = False
        self._freezing_words: bytes | None = None
        self._freezing_words_pass = 0
        self._closing = False
        self._away = False
        self.confirms = 0
        self.commits = 0
        self.lost = asyncio.Event()
        self.port = 0

    @property
    def place(self) -> str:
        """``host:port`` to connect to in the server's place."""
        return f"{HOST}:{self.port}"

    def lose_confirms(self, *, after: int = 0) -> None:
        """Once ``after`` confirm frames have passed, drop the next one and all that follow on its line.

        Not that one alone: the broker may confirm it again with a later one.
        """
        self._confirms_pass = after

    def lose_commit(self, *, after: int = 0, hold: bool = False) -> None:
        """Withhold the reply to one COMMIT, once ``after`` of them have passed; then cut the line, or ``hold`` it open
        in silence for ever.
        """
        self._commits_pass, self._hold = after, hold

    def freeze(self) -> None:
        """Pass nothing on any more, either way, and close nothing: all lines are half open. New ones are not."""
        for line in self._lines:
            line.open.clear()
        self.lost.set()

    def freeze_at(self, words: bytes, *, after: int = 0) -> None:
        """Freeze when a ledger's writer sends ``words``, once ``after`` of them have passed: the server does not hear
        them.
        """
        self._freezing_words, self._freezing_words_pass = words, after

    def go_away(self) -> None:
        """Cut all lines and let nobody in, as a server does that is down."""
        self._away = True
        for line in self._lines:
            line.cut()

    def come_back(self) -> None:
        """Let everybody in again."""
        self._away = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client to the server."""
        if self._closing or self._away:
            writer.transport.abort()
            return
        from_server, to_server = await asyncio.open_connection(*self._target)
        line = _Line(writer, to_server, asyncio.Event())
        line.open.set()
        self._lines.add(line)
        for work in (self._to_server(reader, line), self._to_client(from_server, line)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cut all lines."""
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for line in self._lines:
            line.cut()

    async def _to_server(self, reader: asyncio.StreamReader, line: _Line) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                self._freeze_if_due(data, line)
                await line.open.wait()
                if _COMMIT in data and self._commit_is_due():
                    await self._lose_reply(data, line)
                    continue
                line.server.write(data)
                await line.server.drain()
        line.cut()

    async def _to_client(self, reader: asyncio.StreamReader, line: _Line) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await line.open.wait()
                if line.deaf:
                    continue
                line.client.write(self._without_lost_confirms(data, line))
                await line.client.drain()
        if not line.deaf:
            line.cut()

    def _freeze_if_due(self, data: bytes, line: _Line) -> None:
        line.writes = line.writes or _WRITER in data
        if line.writes and self._freezing_words is not None and self._freezing_words in data:
            self._freezing_words_pass -= 1
            if self._freezing_words_pass < 0:
                self._freezing_words = None
                self.freeze()

    def _commit_is_due(self) -> bool:
        if self._commits_pass is None:
            return False
        self._commits_pass -= 1
        return self._commits_pass < 0

    async def _lose_reply(self, data: bytes, line: _Line) -> None:
        self._commits_pass, line.deaf = None, True
        self.commits += 1
        line.server.write(data)
        await line.server.drain()
        self.lost.set()
        if not self._hold:
            # The server has the COMMIT in its hands before the line ends.
            await asyncio.sleep(0.3)
            line.cut()

    def _without_lost_confirms(self, data: bytes, line: _Line) -> bytes:
        if self._confirms_pass is None and not line.frames and not line.unconfirmed:
            return data
        line.frames += data
        passed = bytearray()
        while (frame := _first_frame(line.frames)) is not None:
            del line.frames[: len(frame)]
            if frame[0] == _METHOD and frame[_FRAME_HEAD : _FRAME_HEAD + 4] == _CONFIRM and self._is_lost(line):
                continue
            passed += frame
        return bytes(passed)

    def _is_lost(self, line: _Line) -> bool:
        if self._confirms_pass is not None and not line.unconfirmed:
            self._confirms_pass -= 1
            if self._confirms_pass < 0:
                self._confirms_pass, line.unconfirmed = None, True
        self.confirms += line.unconfirmed
        if line.unconfirmed:
            self.lost.set()
        return line.unconfirmed


def _first_frame(buffer: bytearray) -> bytes | None:
    if len(buffer) < _FRAME_HEAD:
        return None
    whole = _FRAME_HEAD + int.from_bytes(buffer[3:7], "big") + 1
    return bytes(buffer[:whole]) if len(buffer) >= whole else None


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server of ``url``."""
    proxy = Proxy(url)
    server = await asyncio.start_server(proxy.serve, HOST, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()
