"""`huizhi custody`: how long queries lay with the exchange, and with their recipients."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.layout import NOTHING, Clock, duration, show_table, table
from services.cli.rate import CodeArgument, FromOption, KindOption, PeriodOption, TierOption, ToOption, place, spanned

STAGES = {
    "exchange": "with the exchange",
    "before_acknowledgement": "before acknowledgement",
    "after_acknowledgement": "after acknowledgement",
}
LimitOption = Annotated[int, typer.Option(min=0, max=1000, metavar="N", help="So many addresses, the slowest first.")]


def custody(
    code: CodeArgument = "",
    *,
    tier: TierOption = None,
    kind: KindOption = None,
    period: PeriodOption = None,
    start: FromOption = None,
    end: ToOption = None,
    limit: LimitOption = 20,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Show how long queries lay with the exchange, and with their recipients before and after acknowledging them.

    What is not answered yet counts with its time so far.
    """
    with API(data) as api:
        answer = api.ask(
            "custody", jurisdiction=code, tier=tier, kind=kind, period=period, from_=start, to=end, limit=limit
        )
    if as_json:
        print_json(answer)
        return
    for line in [place(answer), *spanned(answer, Clock.of_settings())]:
        typer.echo(line)
    typer.echo(f"{answer['received']:,} queries, {answer['running']:,} of them not done with\n")
    show_table(stages_table(answer))
    if answer["addresses"]:
        typer.echo("")
        show_table(addresses_table(answer["addresses"]))


def stages_table(answer: Mapping[str, Any]) -> Table:
    """The three stages of a jurisdiction: how many queries, half of them, and nine of ten of them."""
    made = table("", "queries", "median", "90 %", right=("queries", "median", "90 %"))
    for stage, name in STAGES.items():
        spread = answer[stage]
        made.add_row(name, f"{spread['count']:,}", _shown(spread["median"]), _shown(spread["p90"]))
    return made


def addresses_table(addresses: list[dict[str, Any]]) -> Table:
    """A line for each address: its queries, and half and nine of ten of them in each stage."""
    headings = ("exchange", "before ack.", "after ack.")
    made = table("address", "queries", *headings, right=("queries", *headings))
    for each in addresses:
        spreads = (each[stage] for stage in STAGES)
        made.add_row(
            each["address"],
            f"{each['received']:,}",
            *(f"{_shown(spread['median'])} / {_shown(spread['p90'])}" for spread in spreads),
        )
    return made


def _shown(seconds: float | None) -> str:
    return NOTHING if seconds is None else duration(seconds)
