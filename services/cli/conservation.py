"""`huizhi conservation`: whether everything that was received is accounted for."""

from typing import Any

import typer
from rich.table import Table

from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.layout import Clock, show_table, table

_KEY = ("role", "address", "tier", "kind", "period")
_COUNTS = ("received", "answered", "unanswered", "withdrawn", "forwarded", "unanswered_messages")


def conservation(data: DataOption = DEFAULT_DATA, as_json: JSONOption = False) -> None:
    """Check that received = answered + unanswered + withdrawn + forwarded, everywhere. Status 1 where it is not so."""
    with API(data) as api:
        answer = api.ask("conservation")
    if as_json:
        print_json(answer)
    else:
        _print(answer, Clock.of_settings())
    if not answer["holds"]:
        raise typer.Exit(1)


def _print(answer: dict[str, Any], clock: Clock) -> None:
    checked = f"{answer['entries']:,} entries, {clock.moment(answer['at'])} ({clock.zone})"
    if answer["holds"]:
        typer.echo("Conservation holds: received = answered + unanswered + withdrawn + forwarded")
        typer.echo("for every address, tier, kind and period.")
    else:
        cohorts = "1 cohort" if len(answer["broken"]) == 1 else f"{len(answer['broken'])} cohorts"
        typer.echo(f"Conservation is BROKEN in {cohorts}:")
        show_table(_broken_table(answer["broken"]))
    typer.echo(checked)


def _broken_table(broken: list[dict[str, Any]]) -> Table:
    headings = [count.replace("_", " ") for count in _COUNTS]
    made = table(*_KEY, *headings, right=tuple(headings))
    for cohort in broken:
        made.add_row(*(str(cohort[name]) for name in (*_KEY, *_COUNTS)))
    return made
