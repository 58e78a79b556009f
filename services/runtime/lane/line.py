"""One connection with one channel: what goes in and out of its socket, and word when it is over."""

import asyncio
from collections.abc import Callable
from typing import TypeVar, cast

from pamqp import base, commands, frame

from services.runtime.lane.frames import CHANNEL, FRAME_MAX, Cut, Cutter, ProtocolViolationError, Rare
from services.runtime.lane.wire import HEARTBEAT_FRAME

CLOSE_SECONDS = 3.0

BEATS = 2
"""How often in an interval a heartbeat is sent and looked for. A peer that is silent for two intervals is lost."""

_USER = "closed by its user"

Method = TypeVar("Method", bound=base.Frame)


class LineLostError(Exception):
    """The line is dead. The text says why."""


class Line(asyncio.Protocol):
    """``take`` is given what each read completed, ``lost`` is told once why the line ended."""

    def __init__(self, take: Callable[[Cut], None], lost: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        self.frame_max = FRAME_MAX
        self.blocked = False
        """Whether the broker has said that it takes nothing for now (a memory or disk alarm)."""
        self.unblocked_at = loop.time()
        self._take = take
        self._lost = lost
        self._loop = loop
        self._cutter = Cutter()
        self._transport: asyncio.Transport | None = None
        self._reason: str | None = None
        self._answer: asyncio.Future[base.Frame] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._gone = asyncio.Event()
        self._beat: asyncio.TimerHandle | None = None
        self._heard = False
        self._silent_beats = 0

    def write(self, data: bytes) -> None:
        """Send bytes behind all that were sent before. Raises LineLostError."""
        if self._reason is not None or self._transport is None:
            raise self._as_lost()
        self._transport.write(data)

    @property
    def congested(self) -> bool:
        """Whether the socket takes no more for now."""
        return not self._may_write.is_set()

    async def writable(self) -> None:
        """Return when the socket takes more. Raises LineLostError."""
        await self._may_write.wait()
        if self._reason is not None:
            raise self._as_lost()

    async def ask(self, method: base.Frame | None, answer: type[Method]) -> Method:
        """Send a method, if any, and return the answer to it, one at a time. Raises LineLostError."""
        self.write(b"" if method is None else _marshal(method))
        self._answer = self._loop.create_future()
        try:
            answered = await self._answer
        finally:
            self._answer = None
        if not isinstance(answered, answer):
            self.lose(f"the broker sent {answered.name} where {answer.name} was due")
            raise self._as_lost()
        return answered

    def send(self, method: base.Frame) -> None:
        """Send a method that has no answer of its own. Raises LineLostError."""
        self.write(_marshal(method))

    def tune(self, frame_max: int, heartbeat: float) -> None:
        """Go on with what was agreed on: bytes a frame, seconds between heartbeats."""
        self.frame_max = frame_max
        self._cutter.limit(frame_max)
        self._beat = self._loop.call_later(heartbeat / BEATS, self._keep_alive, heartbeat / BEATS)

    def lose(self, reason: str) -> None:
        """End it at once."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    async def close(self) -> None:
        """Take leave in bounded time. Everything that was written before reaches a broker that still takes it."""
        self._end(_USER)
        if self._transport is None:
            return
        try:
            if not self._transport.is_closing():
                self._transport.write(_marshal(commands.Connection.Close(200, _USER, 0, 0)))
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._gone.wait()
        except TimeoutError:
            # A broker that hangs must not hold up a service that stops.
            return
        finally:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Of the protocol: the socket is open."""
        # uvloop's is one by its methods and not by its class.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Of the protocol: a read."""
        self._heard = True
        try:
            cut = self._cutter.cut(data)
            self._take(cut)
            for event in cut.events:
                if isinstance(event, Rare):
                    self._take_method(_unmarshal(event.frame))
        except ProtocolViolationError as error:
            self.lose(f"the broker sent {error}")

    def pause_writing(self) -> None:
        """Of the protocol: the socket takes no more for now."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Of the protocol: it does again."""
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Of the protocol: the socket is closed."""
        self._end(f"the connection broke: {type(exc).__name__}: {exc}" if exc else "the connection was closed")
        self._gone.set()

    def _take_method(self, method: base.Frame) -> None:
        if isinstance(method, commands.Connection.CloseOk):
            self._hang_up()
        elif isinstance(method, commands.Connection.Close):
            self._reply_and_end(commands.Connection.CloseOk(), "connection", method.reply_code, method.reply_text)
            self._hang_up()
        elif self._reason is not None:
            return
        elif isinstance(method, commands.Channel.Close):
            self._reply_and_end(commands.Channel.CloseOk(), "channel", method.reply_code, method.reply_text)
        elif isinstance(method, commands.Basic.Cancel):
            self._end("the broker cancelled the consumer; its queue was deleted or its node went away")
        elif isinstance(method, commands.Connection.Blocked):
            self.blocked = True
        elif isinstance(method, commands.Connection.Unblocked):
            self.blocked, self.unblocked_at = False, self._loop.time()
        elif self._answer is not None and not self._answer.done():
            self._answer.set_result(method)
        else:
            self.lose(f"the broker sent {method.name} where nothing was due")

    def _reply_and_end(self, reply: base.Frame, what: str, code: int | None, text: str | None) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(_marshal(reply))
        self._end(f"the broker closed the {what}: {code} {text}")

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _end(self, reason: str) -> None:
        """Nothing is sent for its user or given to it from now on; the first reason counts."""
        if self._reason is not None:
            return
        self._reason = reason
        if self._beat is not None:
            self._beat.cancel()
        self._may_write.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(self._as_lost())
        self._lost(reason)

    def _keep_alive(self, seconds: float) -> None:
        # Beats are counted, not seconds: a process that was stopped for a while finds what came in the meantime first.
        self._silent_beats = 0 if self._heard else self._silent_beats + 1
        self._heard = False
        if self._silent_beats >= 2 * BEATS:
            self.lose("the broker was silent for two heartbeats")
            return
        self.write(HEARTBEAT_FRAME)
        self._beat = self._loop.call_later(seconds, self._keep_alive, seconds)

    def _as_lost(self) -> LineLostError:
        return LineLostError(self._reason or "not connected")


def _marshal(method: base.Frame) -> bytes:
    return frame.marshal(method, 0 if method.name.startswith("Connection.") else CHANNEL)


def _unmarshal(data: bytes) -> base.Frame:
    try:
        _, _, method = frame.unmarshal(data)
    except Exception:  # It has no one error for what it cannot read.
        raise ProtocolViolationError("a method that cannot be read") from None
    assert isinstance(method, base.Frame)  # noqa: S101 - the cutter tells methods from the rest.
    return method
