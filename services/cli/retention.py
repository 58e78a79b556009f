"""`huizhi retention`: have the exchange forget what is over."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import Clock
from services.cli.registry import actor, on_database
from services.ledger.retention import forget
from services.registry.transactions import Connection
from services.runtime.settings import RetentionSettings, SettingsError, read_settings

app = typer.Typer(help="Forget what closed messages said, after some time.", no_args_is_help=True)
_ABOUT = "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'message'::regclass"


@app.callback()
def retention() -> None:
    """Keep the group: there may be more than one command."""


@app.command()
def run(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count what would be forgotten, and change nothing.")
    ] = False,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Forget what was over HUIZHI_RETENTION_DAYS days ago: nothing tells any more what those messages said.

    Entries, figures and timelines stay, and what is unanswered is never forgotten. When this is interrupted, run it
    again.
    """
    try:
        days = read_settings(RetentionSettings).days
    except SettingsError as error:
        raise CommandError(str(error)) from error
    before = datetime.now(UTC) - timedelta(days=days)
    forgotten = on_database(data, lambda connection: _forget(connection, before, dry_run=dry_run))
    if as_json:
        counts = {"forgotten": forgotten.total(), "by_type": dict(sorted(forgotten.items()))}
        print_json({"before": before.isoformat(), "days": days, "dry_run": dry_run, **counts})
        return
    said = "would be forgotten" if dry_run else "are forgotten"
    since = Clock.of_settings().moment(before.isoformat())
    typer.echo(f"{forgotten.total():,} messages {said}: over for {days} days, before {since}.")
    for type, count in sorted(forgotten.items()):
        typer.echo(f"{count:>12,} {type}")


async def _forget(connection: Connection, before: datetime, *, dry_run: bool) -> Counter[str]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        # The planner's own estimate will do: a count would read the table a second time.
        task = progress.add_task("messages", total=await connection.fetchval(_ABOUT))
        return await forget(
            connection,
            before,
            actor=actor(),
            dry_run=dry_run,
            progress=lambda done: progress.update(task, completed=done),
        )
