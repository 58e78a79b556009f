"""Which processes belong to a stack, by names that cannot be mistaken.

A pid alone may have been given to another program since it was written down, so an identity is the pid, the clock tick
at which the process began (field 22 of `/proc/PID/stat`) and the boot it began in. Nothing is signalled unless all
three still agree.
"""

import json
import os
import signal
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from services.cli.stack.files import write_private


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, for as long as it lives. `started` is in clock ticks since the boot `boot`."""

    name: str
    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, name: str, pid: int) -> "ProcessIdentity | None":
        """The identity of a running process; None when it has ended already."""
        started = _started(pid)
        return None if started is None else cls(name, pid, started, _boot())

    def is_alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return self.boot == _boot() and _started(self.pid) == self.started

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to this very process; False when it has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # The descriptor is opened before the check, so the pid cannot change hands between check and signal.
            if not self.is_alive():
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True


class ProcessBook:
    """`DIR/processes.json`: the processes of a stack in the order in which they were first started."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, ProcessIdentity] = {}

    @classmethod
    def read(cls, path: Path) -> "ProcessBook":
        """The book as last written; an empty one when there is none."""
        book = cls(path)
        if path.exists():
            for entry in json.loads(path.read_text()):
                book._entries[entry["name"]] = ProcessIdentity(**entry)
        return book

    def record(self, identity: ProcessIdentity) -> None:
        """Write down a process, in the place of an earlier one of its name."""
        self._entries[identity.name] = identity
        self._write(self._entries.values())

    def forget(self, name: str) -> None:
        """Strike out a process that was stopped on purpose."""
        if self._entries.pop(name, None):
            self._write(self._entries.values())

    def __getitem__(self, name: str) -> ProcessIdentity:
        return self._entries[name]

    def get(self, name: str) -> ProcessIdentity | None:
        """The process of that name, alive or not; None when the book has none."""
        return self._entries.get(name)

    def alive(self) -> list[ProcessIdentity]:
        """Those that still run, in the order they were started."""
        return [identity for identity in self._entries.values() if identity.is_alive()]

    def _write(self, identities: Iterable[ProcessIdentity]) -> None:
        write_private(self._path, json.dumps([asdict(identity) for identity in identities], indent=2) + "\n")


def _started(pid: int) -> int | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses and may itself hold blanks and parentheses.
    fields = status.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
