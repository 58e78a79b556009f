"""One measured figure: what is shown in the table and kept in the results."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.bench.measuring import Series


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, its bar where it has one, and what stands behind it."""

    name: str
    unit: str
    series: Series
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the median is within its bar; None where there is none."""
        if self.at_least is None and self.at_most is None:
            return None
        above = self.at_least is None or self.series.median >= self.at_least
        return above and (self.at_most is None or self.series.median <= self.at_most)

    def to_dict(self) -> dict[str, object]:
        """As it stands in the results."""
        bars = {"at_least": self.at_least, "at_most": self.at_most}
        about = {"name": self.name, "unit": self.unit, **self.series.to_dict(), "holds": self.holds, "note": self.note}
        return about | {name: bar for name, bar in bars.items() if bar is not None}


def show(figures: Sequence[Figure]) -> None:
    """Print the table."""
    table = Table("measured", "median", "spread", "bar", "", title=None)
    for figure in figures:
        bar = "" if figure.at_least is None else f"≥ {figure.at_least:g}"
        bar = bar if figure.at_most is None else f"≤ {figure.at_most:g}"
        verdict = {True: "holds", False: "MISSED", None: ""}[figure.holds]
        name = f"{figure.name}\n  [dim]{figure.note}[/dim]" if figure.note else figure.name
        table.add_row(
            name, f"{_shown(figure.series.median)} {figure.unit}", f"{figure.series.spread:.0%}", bar, verdict
        )
    Console().print(table)


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
