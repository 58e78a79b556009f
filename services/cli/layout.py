"""How the commands show what they found: moments in the platform's zone, and tables that never cut anything off."""

import sys
from datetime import datetime, timedelta
from itertools import pairwise

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from contracts.period import Calendar
from services.cli.errors import CommandError
from services.runtime.settings import PlatformSettings, SettingsError, read_settings

NOTHING = "–"
"""What stands where there is no value."""

WHOLE_PLATFORM = "the whole platform"
"""What the jurisdiction of the code `""` is called."""

_UNBOUNDED = 10_000
_MINUTE_S = 60
_UNITS = ((86_400, "d"), (3_600, "h"), (_MINUTE_S, "min"), (1, "s"))


class Clock:
    """Moments as the platform's people write them: the platform's zone, to the second, in ISO 8601's order."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar

    @classmethod
    def of_settings(cls) -> "Clock":
        """The clock of the platform's zone and calendar, as the environment sets them. Raises CommandError."""
        try:
            settings = read_settings(PlatformSettings)
        except SettingsError as error:
            raise CommandError(str(error)) from error
        return cls(settings.calendar())

    @property
    def zone(self) -> str:
        """The zone's name, to be said once beside the times."""
        return str(self.calendar.zone)

    def moment(self, text: str | None, *, milliseconds: bool = False) -> str:
        """`2026-11-24 09:30:05` for a moment of an API's answer; a dash for none."""
        if text is None:
            return NOTHING
        local = datetime.fromisoformat(text).astimezone(self.calendar.zone).replace(tzinfo=None)
        return local.isoformat(" ", "milliseconds" if milliseconds else "seconds")

    def days(self, start: str, end: str) -> str:
        """`2026-10-21 to 2026-11-20` for a span that begins and ends at midnight, and otherwise its two moments.

        The end is exclusive in an API's answer, so the last day is the one before it.
        """
        begin, over = (datetime.fromisoformat(text).astimezone(self.calendar.zone) for text in (start, end))
        if any(moment.timetz().replace(tzinfo=None) != datetime.min.time() for moment in (begin, over)):
            return f"{self.moment(start)} to {self.moment(end)}"
        return f"{begin.date()} to {(over - timedelta(days=1)).date()}"


def duration(seconds: float) -> str:
    """A length of time in its two greatest units: `3 d 4 h`, `2 h 5 min`, `3 min 20 s`, `0.25 s`."""
    if seconds < _MINUTE_S:
        return f"{seconds:.2f} s" if seconds < 10 else f"{int(seconds)} s"
    whole = int(seconds)
    for (size, unit), (smaller, name) in pairwise(_UNITS):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    raise AssertionError("a minute is the smallest of the units")


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table; the columns named in `right` hold numbers."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, no_wrap=True, justify="right" if column in right else "left")
    return made


def show_table(table: Table, *, stderr: bool = False) -> None:
    """Print a table in full: where the terminal is too narrow its lines wrap there, but no id is ever cut."""
    console = Console(stderr=stderr, highlight=False)
    needed = Measurement.get(console, console.options.update(max_width=_UNBOUNDED), table).maximum
    console.width = max(console.width, needed)
    console.print(table, crop=False)


def warn(text: str) -> None:
    """A remark beside the result, on standard error so that scripts do not read it as one."""
    sys.stderr.write(f"{text}\n")


def marked(text: str, style: str) -> Text:
    """A cell that stands out on a terminal."""
    return Text(text, style=style)
