"""What the operator sees while a stack starts, runs and stops, on standard error.

On a terminal each step under way has a spinner and a clock; in a file or a pipe there is a line when it begins and one
when it is done. Standard output is left to what scripts wait for.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Terminal:
    """Says lines and shows steps; several steps may be under way at once."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stderr, highlight=False, soft_wrap=True)
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._live = Progress(*columns, console=self._console, transient=True)
        self._under_way = 0

    def say(self, line: str) -> None:
        """One line, above whatever moves."""
        self._console.print(escape(line))

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show that `what` is under way, and how long it took; nothing is said of a step that failed."""
        began = time.monotonic()
        if not self._console.is_terminal:
            self.say(f"{what} …")
            yield
        else:
            with self._spinner(what):
                yield
        self.say(f"{what}: done in {time.monotonic() - began:.1f} s")

    @contextmanager
    def _spinner(self, what: str) -> Iterator[None]:
        if self._under_way == 0:
            self._live.start()
        self._under_way += 1
        task = self._live.add_task(escape(what))
        try:
            yield
        finally:
            self._live.remove_task(task)
            self._under_way -= 1
            if self._under_way == 0:
                self._live.stop()
