"""A broker of a few lines that says what a test wants: it greets as RabbitMQ does, and then listens."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from pamqp import base, body, commands, frame, header, heartbeat

from services.runtime.lane.broker import LaneBroker
from tests.unit.runtime.lane import stream

Said = base.Frame | header.ContentHeader | body.ContentBody | heartbeat.Heartbeat | header.ProtocolHeader

HEARTBEAT = stream.raw_frame(8, b"", channel=0)

CONNECTION: dict[str, Callable[["ScriptedBroker"], base.Frame]] = {
    "Connection.StartOk": lambda self: commands.Connection.Tune(1, self.frame_max, self.heartbeat),
    "Connection.Open": lambda _: commands.Connection.OpenOk(),
    "Connection.Close": lambda _: commands.Connection.CloseOk(),
}
CHANNEL: dict[str, Callable[[], base.Frame]] = {
    "Channel.Open": commands.Channel.OpenOk,
    "Channel.Close": commands.Channel.CloseOk,
    "Confirm.Select": commands.Confirm.SelectOk,
    "Basic.Qos": commands.Basic.QosOk,
    "Basic.Consume": lambda: commands.Basic.ConsumeOk("consumer"),
}


class ScriptedBroker:
    """One connection to it is looked at: the last one. ``heard`` are the names of the frames that came over it."""

    heartbeat: int
    frame_max: int

    def __init__(self, *, heartbeat: int, frame_max: int, mechanisms: str, mute: frozenset[str]) -> None:
        self.heartbeat = heartbeat
        self.frame_max = frame_max
        self.heard: list[str] = []
        self.frames: list[Said] = []
        self.sizes: list[int] = []
        self.port = 0
        self.listening = True
        self._mechanisms = mechanisms
        self._mute = mute
        self._news = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._ended = asyncio.Event()

    def lane(self, confirm_timeout: float = 30.0, parameters: str = "") -> LaneBroker:
        """A lane to it."""
        return LaneBroker(
            f"amqp://a:b@127.0.0.1:{self.port}/v{parameters}", name="test", confirm_timeout=confirm_timeout
        )

    def say(self, *said: bytes) -> None:
        """Send these bytes."""
        assert self._writer is not None
        self._writer.write(b"".join(said))

    async def until_heard(self, name: str, count: int = 1) -> None:
        """Return when so many frames of this name have come."""
        await self.until(lambda: self.heard.count(name) >= count)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when something holds that follows from what came."""
        async with asyncio.timeout(20):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def until_hung_up(self) -> None:
        """Return when the line is closed by the other side."""
        async with asyncio.timeout(20):
            await self._ended.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Of the server: a connection."""
        self._writer = writer
        self._ended.clear()
        try:
            # The lane may go whenever it likes.
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                assert await reader.readexactly(8) == b"AMQP\0\0\x09\x01"
                if "greeting" not in self._mute:
                    self.say(stream.method(commands.Connection.Start(0, 9, {}, self._mechanisms, "en_US"), 0))
                while self.listening:
                    start = await reader.readexactly(7)
                    rest = await reader.readexactly(int.from_bytes(start[3:]) + 1)
                    self._take(start + rest)
        finally:
            if self.listening:
                writer.close()
                self._ended.set()

    def _take(self, data: bytes) -> None:
        _, _, said = frame.unmarshal(data)
        self.frames.append(said)
        self.sizes.append(len(data))
        name: str = said.name
        self.heard.append(name)
        if name not in self._mute:
            if name in CONNECTION:
                self.say(stream.method(CONNECTION[name](self), 0))
            elif name in CHANNEL:
                self.say(stream.method(CHANNEL[name]()))
        self._news.set()

    def hang_up(self) -> None:
        """Reset the line."""
        if self._writer is not None:
            self._writer.transport.abort()


@asynccontextmanager
async def scripted(
    *, heartbeat: int = 10, frame_max: int = 131_072, mechanisms: str = "PLAIN AMQPLAIN", mute: str = ""
) -> AsyncIterator[ScriptedBroker]:
    """It listens. It does not answer what ``mute`` names, with spaces between."""
    broker = ScriptedBroker(
        heartbeat=heartbeat, frame_max=frame_max, mechanisms=mechanisms, mute=frozenset(mute.split())
    )
    async with await asyncio.start_server(broker.serve, "127.0.0.1", 0) as server:
        broker.port = server.sockets[0].getsockname()[1]
        yield broker
        broker.hang_up()
        await asyncio.sleep(0)
