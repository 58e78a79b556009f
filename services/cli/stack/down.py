"""Stopping a stack from outside: by asking its `huizhi up`, or, where that was killed, process by process."""

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from services.cli.errors import StackError
from services.cli.stack.processes import ProcessBook, ProcessIdentity
from services.cli.stack.stack_file import StackFile

# `up` gives its services 15 s, then the broker and the database 60 s each.
UP_WITHIN_S = 150.0
PROCESS_WITHIN_S = 60.0


def stop_stack(directory: Path, say: Callable[[str], None]) -> None:
    """Stop everything that `up` started in this directory, and nothing else; says so when nothing runs.

    Raises StackError when something cannot be stopped.
    """
    alive = ProcessBook.read(directory / "processes.json").alive()
    if not alive:
        say(f"nothing runs in {directory}")
        return
    up = [process for process in alive if process.name == "up"]
    if up:
        say(f"stopping the stack in {directory}")
        up[0].send(signal.SIGTERM)
        if not _gone(up, UP_WITHIN_S):
            raise StackError(f"`huizhi up` (pid {up[0].pid}) does not end; look into {directory / 'logs'}")
        alive = [process for process in alive if process.is_alive()]
    stop_processes(alive, say)
    StackFile.remove(directory)
    say("stopped")


def stop_processes(processes: Sequence[ProcessIdentity], say: Callable[[str], None]) -> None:
    """Stop these one after the other, the last started first. Raises StackError when one survives even SIGKILL."""
    for process in reversed(processes):
        say(f"stopping {process.name} (pid {process.pid})")
        # PostgreSQL waits for its clients on SIGTERM and leaves at once on SIGINT.
        process.send(signal.SIGINT if process.name == "database" else signal.SIGTERM)
        if not _gone([process], PROCESS_WITHIN_S):
            process.send(signal.SIGKILL)
            if not _gone([process], 10.0):
                raise StackError(f"{process.name} (pid {process.pid}) cannot be stopped")


def _gone(processes: Sequence[ProcessIdentity], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while any(process.is_alive() for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
