"""Starting programs, starting them again when they die, and stopping them in order.

Every program runs in a session of its own, so that Ctrl-C in the terminal reaches only `huizhi up`, which then stops
them one stage after the other.
"""

import asyncio
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from services.cli.errors import StackError
from services.cli.stack.files import last_lines
from services.cli.stack.processes import ProcessBook, ProcessIdentity

LONGEST_DELAY_S = 30.0

# A program that ran this long has recovered: its next death is again followed by the shortest delay.
RECOVERED_AFTER_S = 60.0
DEATHS_BEFORE_READY = 3
STARTING_WITHIN_S = 5.0


class Stage(IntEnum):
    """Programs of a later stage use those of earlier ones, and are stopped before them."""

    DATABASE = 0
    NAMES = 1
    BROKER = 2
    SERVICE = 3


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to ask it to end. `environment` is the whole of it; nothing is inherited."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    stage: Stage
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 15.0


@dataclass(slots=True)
class _Watched:
    program: Program
    deaths: int = 0
    was_ready: bool = False
    process: asyncio.subprocess.Process | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class Supervisor:
    """Keeps programs running until they are stopped. `say` tells the operator of what happens to them."""

    def __init__(self, book: ProcessBook, say: Callable[[str], None]) -> None:
        self._book = book
        self._say = say
        self._watched: dict[str, _Watched] = {}

    async def start(self, program: Program) -> None:
        """Start a program and keep it running. Raises StackError when it cannot be executed at all."""
        watched = _Watched(program)
        watched.process = await self._spawn(program)
        self._watched[program.name] = watched
        watched.task = asyncio.create_task(self._watch(watched), name=f"supervise {program.name}")

    async def until_ready(self, name: str, check: Callable[[], Awaitable[bool]], *, within_s: float) -> None:
        """Wait for `check` to hold.

        Raises StackError with the end of the log when the program keeps dying or the time runs out.
        """
        watched = self._watched[name]
        deadline = time.monotonic() + within_s
        while not await check():
            if watched.deaths >= DEATHS_BEFORE_READY:
                raise self._not_ready(watched, f"ended {watched.deaths} times")
            if time.monotonic() > deadline:
                raise self._not_ready(watched, f"was not ready within {within_s:.0f} s")
            await asyncio.sleep(0.1)
        watched.was_ready = True

    async def stop(self) -> None:
        """Stop everything, the last stage first; within a stage all at once."""
        for stage in sorted({watched.program.stage for watched in self._watched.values()}, reverse=True):
            await asyncio.gather(*(self._stop(w) for w in self._watched.values() if w.program.stage == stage))
        self._watched.clear()

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        try:
            with program.log.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *program.arguments,
                    env=dict(program.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    umask=0o077,
                )
        except OSError as error:
            raise StackError(f"{program.name} cannot be started: {error}") from error
        if identity := ProcessIdentity.of(program.name, process.pid):
            self._book.record(identity)
        return process

    async def _watch(self, watched: _Watched) -> None:
        program, delay = watched.program, 1.0
        while True:
            began = time.monotonic()
            if watched.process is not None:
                status = await watched.process.wait()
                watched.deaths += 1
                delay = 1.0 if time.monotonic() - began > RECOVERED_AFTER_S else delay
                self._say(
                    f"{program.name} {_ended(status)}; starting it again in {delay:.0f} s. Its log: {program.log}"
                )
            await asyncio.sleep(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)
            try:
                watched.process = await self._spawn(program)
            except StackError as error:
                watched.process = None
                self._say(str(error))

    async def _stop(self, watched: _Watched) -> None:
        if watched.task is not None:
            watched.task.cancel()
            with suppress(asyncio.CancelledError):
                await watched.task
        if watched.process is not None:
            # A broker that is only just starting does not listen to SIGTERM, and has taken nothing in yet.
            patience = watched.program.stop_within_s if watched.was_ready else STARTING_WITHIN_S
            await _end(watched.process, watched.program.stop_signal, patience)
        self._book.forget(watched.program.name)

    def _not_ready(self, watched: _Watched, why: str) -> StackError:
        log = watched.program.log
        return StackError(f"{watched.program.name} {why}. The end of {log}:\n{last_lines(log)}")


async def _end(process: asyncio.subprocess.Process, number: signal.Signals, within_s: float) -> None:
    if process.returncode is None:
        process.send_signal(number)
    try:
        await asyncio.wait_for(process.wait(), within_s)
    except TimeoutError:
        process.kill()
        await process.wait()


def _ended(status: int) -> str:
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by {signal.Signals(-status).name}"
