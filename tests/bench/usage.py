"""What processes have used, from the kernel's own accounts (proc(5))."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack

_GONE = (FileNotFoundError, ProcessLookupError)
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat, counted from the one after the name: own time in user mode and in the kernel, and the same
# of children that have ended and were waited for.
_TIMES = slice(11, 15)


def cpu_seconds(pid: int) -> float:
    """Of a process and everything it has started, also of what has ended since."""
    return sum(_times(one) for one in _family(pid))


def written_bytes(pid: int) -> int:
    """What a process and its children that are alive have caused to be written to disk."""
    return sum(_number(one, "io", "write_bytes") for one in _family(pid))


def peak_mib(pid: int) -> float:
    """The most memory a process had resident at once, in MiB."""
    return _number(pid, "status", "VmHWM") / 1024


def reset_peak(pid: int) -> None:
    """Have ``peak_mib`` begin anew with what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def pids(stack: FaultStack) -> dict[str, int]:
    """The processes of an exchange by name: ``broker`` and ``database`` where its servers are private, and services."""
    return server_pids(stack.platform.servers) | {
        name: one.process.pid for name, one in stack.services.items() if one.process is not None and one.running
    }


def server_pids(servers: Servers) -> dict[str, int]:
    """The broker's and the database's process, where they are private."""
    book = servers.book
    return {} if book is None else {name: book[name].pid for name in ("broker", "database")}


class Meter:
    """CPU seconds of processes since the meter was made."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._processes = dict(processes)
        self._before = self._now()

    def used(self) -> dict[str, float]:
        """By name."""
        return {name: seconds - self._before[name] for name, seconds in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._processes.items()}


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(*_GONE):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(*_GONE):
                for child in (task / "children").read_text().split():
                    yield from _family(int(child))


def _times(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except _GONE:
        return 0.0
    # The name stands in parentheses and may itself hold blanks and parentheses.
    return sum(int(ticks) for ticks in text.rpartition(")")[2].split()[_TIMES]) * _TICK_S


def _number(pid: int, file: str, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except _GONE:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), 0)
