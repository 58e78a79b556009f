"""What of a run is seen while it goes on: a table that moves on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from contracts.addresses import Tier
from services.cli.demo.tally import DONE, TIERS, Stand, Tally

_COLUMNS = ("sent", "in custody", "received", "answered", "answer back")
_LINE_EVERY_S = 1.0
# Every trouble begins alike; whose it is changes from look to look.
_SAME_TROUBLE = len("trying again")


class View:
    """Shows tallies. `showing` is entered for as long as something is to be seen."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._began = 0.0
        self._line_at = 0.0
        self._line = ""

    @contextmanager
    def showing(self) -> Iterator[None]:
        """The live table, or nothing where there is no terminal to move it on."""
        self._began = time.monotonic()
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, refresh_per_second=8, transient=False) as self._live:
            yield

    def show(self, tally: Tally, trouble: str | None) -> None:
        """The newest stand, and what is wrong at the moment."""
        stands = {tier: tally.stand(tier) for tier in TIERS}
        if self._live is not None:
            self._live.update(flow_table(stands, time.monotonic() - self._began, trouble))
            return
        if trouble is not None and self._line.startswith(trouble[:_SAME_TROUBLE]):
            return
        line = trouble or flow_line(stands)
        if line != self._line and (tally.is_done or time.monotonic() - self._line_at > _LINE_EVERY_S):
            self._line, self._line_at = line, time.monotonic()
            self._console.print(line)


def flow_table(stands: Mapping[Tier, Stand], seconds: float, trouble: str | None) -> Table:
    """A row for each tier: how many got how far, under a bar for each step."""
    table = Table(box=None, pad_edge=False, title=f"{seconds:.0f} s", title_justify="left", title_style="dim")
    if trouble is not None:
        table.caption = Text(trouble, style="yellow", justify="left")
    table.add_column("tier", no_wrap=True)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True, width=11)
    for tier, stand in stands.items():
        pairs = list(zip(astuple(stand), astuple(DONE), strict=True))
        table.add_row(tier, *(_count(count, whole) for count, whole in pairs))
        table.add_row("", *(ProgressBar(total=whole, completed=count, width=11) for count, whole in pairs))
    return table


def flow_line(stands: Mapping[Tier, Stand]) -> str:
    """Both tiers in one line."""
    return "   ".join(
        f"{tier}: {stand.sent} sent, {stand.in_custody} in custody, {stand.received} received, "
        f"{stand.answered} answered"
        for tier, stand in stands.items()
    )


def _count(count: int, whole: int) -> Text:
    return Text(str(count), style="green" if count == whole else "")
