"""What `huizhi reconcile` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from services.cli.layout import Clock, table
from services.cli.reconcile.comparison import Comparison
from services.cli.reconcile.difference import EXPLAINED, Difference, Side

_HEADINGS = {
    Side.ONLY_MINE: "only on your list",
    Side.DIFFERS: "on both, and not alike",
    Side.ONLY_LEDGER: "only on the ledger",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """Whose list it was, and the spans, each with period, from and to, in which the queries were received."""

    participant: str
    spans: Sequence[dict[str, Any]]
    left_out: int
    comparison: Comparison


def document(compared: Compared) -> dict[str, Any]:
    """As `--json` prints it."""
    comparison = compared.comparison
    return {
        "participant": compared.participant,
        "spans": list(compared.spans),
        "equal": comparison.equal,
        "left_out": compared.left_out,
        "lists": {
            list_: {**asdict(counts), "differences": sum(each.list is list_ for each in comparison.differences)}
            for list_, counts in comparison.counts.items()
        },
        **{side.replace("-", "_"): [each.to_dict() for each in comparison.on(side)] for side in Side},
    }


def heading(compared: Compared, clock: Clock) -> Iterator[str]:
    """Whose list is compared, and over which days."""
    yield f"{compared.participant}, queries received"
    for span in compared.spans:
        named = f" (period {span['period']})" if span["period"] else ""
        yield f"  {clock.days(span['from'], span['to'])}{named}"
    if compared.left_out:
        lines = "line" if compared.left_out == 1 else "lines"
        yield f"  {compared.left_out} {lines} of other periods left out"


def counts_table(comparison: Comparison) -> Table:
    """How many each side has of each list."""
    columns = ("yours", "ledger", "both", "differences")
    made = table("list", *columns, right=columns)
    for list_, counts in comparison.counts.items():
        differences = sum(each.list is list_ for each in comparison.differences)
        made.add_row(list_, *(f"{number:,}" for number in (counts.mine, counts.ledger, counts.both, differences)))
    return made


def difference_lines(comparison: Comparison) -> Iterator[str]:
    """Every difference in two lines, side by side of those who have it."""
    for side, title in _HEADINGS.items():
        found = comparison.on(side)
        if found:
            yield ""
            yield f"{title}: {len(found):,}"
        for each in found:
            yield from _lines(each)


def _lines(difference: Difference) -> Iterator[str]:
    yield f"  {difference.list:<8} {difference.id}  {EXPLAINED[difference.reason]}"
    yield f"    {difference.detail}"
