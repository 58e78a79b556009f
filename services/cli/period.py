"""`huizhi period`: the statistical periods, when they run, and the whole platform's figures in them."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from contracts.rates import shown
from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.layout import Clock, show_table, table
from services.cli.rate import CodeArgument, figures_table, place

app = typer.Typer(help="List and show statistical periods.", no_args_is_help=True)


@app.command("list")
def list_(
    code: CodeArgument = "",
    *,
    count: Annotated[int, typer.Option(min=1, max=120, metavar="N", help="So many, the current one included.")] = 12,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """List the current period and those before it, with the figures of a jurisdiction or the whole platform."""
    with API(data) as api:
        current = api.ask("rate", jurisdiction=code)
        before = months_before(current["period"], count - 1)
        answers = [current, *(api.ask("rate", jurisdiction=code, period=name) for name in before)]
    if as_json:
        print_json([_document(answer) for answer in answers])
        return
    clock = Clock.of_settings()
    typer.echo(f"{place(current)}, both tiers\n")
    made = table("period", "days", "", "received", "answered", "rate", right=("received", "answered", "rate"))
    for answer in answers:
        counts = (f"{answer['received']:,}", f"{answer['answered']:,}")
        days = clock.days(answer["from"], answer["to"])
        made.add_row(answer["period"], days, _progress(answer), *counts, shown(answer["rate"]))
    show_table(made)
    typer.echo(f"\nDays end at midnight in {clock.zone}.")


@app.command()
def show(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="A month, 2026-11, or a year, 2026.")],
    code: CodeArgument = "",
    *,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Show when a period begins and ends, and the figures of a jurisdiction or the whole platform in it."""
    with API(data) as api:
        answer = api.ask("rate", jurisdiction=code, period=period)
    if as_json:
        print_json(_document(answer))
        return
    clock = Clock.of_settings()
    typer.echo(f"period {answer['period']}: {clock.days(answer['from'], answer['to'])}, {_progress(answer)}")
    typer.echo(f"from   {clock.moment(answer['from'])} ({clock.zone})")
    typer.echo(f"before {clock.moment(answer['to'])}\n")
    typer.echo(place(answer))
    show_table(figures_table(answer))


def months_before(month: str, count: int) -> list[str]:
    """The names of so many months before `month`, the nearest first."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1
    return [f"{earlier // 12:04d}-{earlier % 12 + 1:02d}" for earlier in range(number - 1, number - 1 - count, -1)]


def _progress(answer: dict[str, Any]) -> str:
    now = datetime.now(UTC)
    if now < datetime.fromisoformat(answer["from"]):
        return "to come"
    return "ended" if datetime.fromisoformat(answer["to"]) <= now else "current"


def _document(answer: dict[str, Any]) -> dict[str, Any]:
    return {"period": answer["period"], "progress": _progress(answer), **answer}
