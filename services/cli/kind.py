"""`huizhi kind`: what messages may be about."""

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.table import Table

from contracts.kinds import DayCount, Kind, KindError, parse_kind
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import NOTHING
from services.cli.registry import actor, on_database
from services.registry.kinds import import_kind, list_kinds

app = typer.Typer(help="List, show and import the kinds of queries and notices.", no_args_is_help=True)


@app.command("list")
def list_(data: DataOption = DEFAULT_DATA, as_json: JSONOption = False) -> None:
    """List the kinds."""
    kinds = on_database(data, list_kinds)
    if as_json:
        print_json([kind.definition() for kind in kinds])
        return
    table = Table("kind", "type", "deadline", "what it is for", box=None)
    for kind in kinds:
        table.add_row(
            kind.name, kind.type.value, described_deadline(kind), f"{kind.description['en']}\n{kind.description['zh']}"
        )
    Console().print(table)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A kind's name, such as certificate.verify.")],
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Show a kind as its document defines it, with the schema of its payload."""
    kinds = {kind.name: kind for kind in on_database(data, list_kinds)}
    if name not in kinds:
        raise CommandError(f"there is no kind {name}; there are {', '.join(kinds)}")
    if as_json:
        print_json(kinds[name].definition())
    else:
        typer.echo(yaml.safe_dump(kinds[name].definition(), allow_unicode=True, sort_keys=False).rstrip())


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A YAML document, in the form that `kind show` prints.")],
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Add a kind, or replace the one of its name; it holds for messages from then on."""
    kind = _parse(file)
    is_new = on_database(data, lambda connection: import_kind(connection, kind, actor=actor()))
    if as_json:
        print_json({"name": kind.name, "new": is_new})
    else:
        typer.echo(f"{kind.name} was {'added' if is_new else 'replaced'}.")


def described_deadline(kind: Kind) -> str:
    """How long there is for an answer: ``15 working days, urgent 5``; a dash where none is owed."""
    if kind.deadline_days is None:
        return NOTHING
    working = "working " if kind.day_count is DayCount.WORKING else ""
    urgent = f", urgent {kind.urgent_deadline_days}" if kind.urgent_deadline_days is not None else ""
    return f"{kind.deadline_days} {working}days{urgent}"


def _parse(file: Path) -> Kind:
    try:
        return parse_kind(file.read_text("utf-8"))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8") from error
    except KindError as error:
        raise CommandError(f"{file}: {error}") from error
