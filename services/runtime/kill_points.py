"""Named points on a message's way at which a test may have the process killed or stopped, exactly there.

Inert unless ``HUIZHI_KILL_POINT`` is set, to ``name:count:marker-file`` or ``name:count:marker-file:STOP``: when the
point ``name`` is reached for the ``count``-th time, the process makes the marker file and sends itself SIGKILL, or
SIGSTOP. With the file there nothing happens any more, so the same process started again goes on.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

VARIABLE = "HUIZHI_KILL_POINT"


class KillPointError(ValueError):
    """The variable is set, and says nothing that can be done."""


def reached(name: str, of: str = "", *, times: int = 1) -> None:
    """Say that the point ``name`` is reached, so many times at once; ``of`` tells points of shared code apart, as
    ``name.of``.
    """
    if _armed is not None:
        for _ in range(times):
            _armed.reached(f"{name}.{of}" if of else name)


class KillPoint:
    """One armed point."""

    def __init__(self, name: str, count: int, marker: Path, number: signal.Signals) -> None:
        self._name = name
        self._left = count
        self._marker = marker
        self._signal = number

    @classmethod
    def parse(cls, text: str) -> "KillPoint":
        """The point that ``text`` arms. Raises KillPointError."""
        name, _, rest = text.partition(":")
        count, _, file = rest.partition(":")
        marker, _, action = file.partition(":")
        if not (name and count.isdigit() and int(count) and marker) or action not in {"", "KILL", "STOP"}:
            raise KillPointError(f"{VARIABLE} is name:count:marker-file or name:count:marker-file:STOP, not {text!r}")
        return cls(name, int(count), Path(marker), signal.SIGSTOP if action == "STOP" else signal.SIGKILL)

    def reached(self, name: str) -> None:
        """Count, and strike when it is time."""
        if name != self._name or self._left == 0:
            return
        self._left -= 1
        if self._left == 0:
            # Another process, or this one's earlier life, may have struck already.
            with suppress(FileExistsError):
                self._mark()
                os.kill(os.getpid(), self._signal)

    def _mark(self) -> None:
        descriptor = os.open(self._marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        os.fsync(descriptor)
        os.close(descriptor)


_armed = KillPoint.parse(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None
