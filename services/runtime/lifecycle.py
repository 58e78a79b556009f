"""How a service lives: started by ``run``, told to stop by a signal, given ten seconds to finish what is in hand.

A service's ``__main__`` hands its coroutine function to ``run``, which gives it a ``Stop``; that opens what the service
needs and hands its loops to ``together``.
"""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Coroutine

import structlog

try:
    import uvloop
except ImportError:  # pragma: no cover - uvloop is not built for every machine; asyncio's own loop does as well.
    _new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop

GRACE_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Stop:
    """Says that the service is to end: take nothing new, finish what is in hand."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Ask for the end. Asking again changes nothing."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether the end was asked for."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Return when the end is asked for."""
        await self._event.wait()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``, or as soon as the end is asked for."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return


def run(main: Callable[[Stop], Coroutine[object, object, None]], *, grace_s: float = GRACE_SECONDS) -> int:
    """Run ``main`` until it returns, and return the process's exit status: 0, or 1 when it failed or had to be cut off.

    SIGTERM and SIGINT set its ``Stop``; ``grace_s`` seconds later, or at a second signal, it is cancelled.
    """
    _collect_less()
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        return runner.run(_supervise(main, grace_s))


def _collect_less() -> None:
    """Leave what was imported, some 100,000 objects, out of every garbage collection (docs/performance.md)."""
    gc.collect()
    gc.freeze()


async def _supervise(main: Callable[[Stop], Coroutine[object, object, None]], grace_s: float) -> int:
    stop = Stop()
    work = asyncio.create_task(main(stop))
    _listen_for_signals(stop, work)
    await _until_stop(work, stop)
    done, _ = await asyncio.wait((work,), timeout=grace_s if not work.done() else None)
    if not done:
        log.error("stop_overdue", grace_seconds=grace_s)
        work.cancel()
        await asyncio.wait((work,))
    return _exit_status(work)


def _listen_for_signals(stop: Stop, work: asyncio.Task[None]) -> None:
    def on_signal(number: signal.Signals) -> None:
        if stop.is_set:
            work.cancel()
        log.info("stop_asked", signal=number.name, at_once=stop.is_set)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


async def _until_stop(work: asyncio.Task[None], stop: Stop) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait((work, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _exit_status(work: asyncio.Task[None]) -> int:
    if work.cancelled():
        log.error("stopped", clean=False)
        return 1
    error = work.exception()
    if error is not None:
        log.error("failed", exc_info=error)
        return 1
    log.info("stopped", clean=True)
    return 0


async def together(stop: Stop, *parts: Awaitable[None]) -> None:
    """Run the parts of a service side by side until all have ended; when one ends or fails, the others are told.

    They are told, not cancelled: a part that fails must not cut another off in the middle of a batch.
    Raises an ExceptionGroup of what the parts raised.
    """
    errors: list[Exception] = []

    async def take_part(part: Awaitable[None]) -> None:
        try:
            await part
        except Exception as error:
            # Whatever it is, it is raised below, when the others have ended.
            errors.append(error)
        finally:
            stop.set()

    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(take_part(part))
    if errors:
        raise ExceptionGroup("a part of the service failed", errors)
