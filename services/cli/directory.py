"""`huizhi directory`: the table of jurisdictions, retired codes and their successors."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.addresses import AddressError
from contracts.changes import FIRST_YEAR, Change
from contracts.directory import Directory, Resolution
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.registry import actor, on_database
from services.registry.editions import ImportReport, import_directory
from services.registry.parts import current_directory

app = typer.Typer(help="Import and look up jurisdictions, retired codes and their successors.", no_args_is_help=True)

_SHOWN_CODES = 10

YearOption = Annotated[
    int | None,
    typer.Option("--year", metavar="YEAR", help="Read the code as it was meant in this year. Default: as of today."),
]


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV files; their headers say what they hold.")],
    as_of: Annotated[
        datetime | None,
        typer.Option("--date", formats=["%Y-%m-%d"], help="The day from which the files hold. Default: today."),
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Import directory files in one transaction: either all of them are taken, or nothing changes.

    A file with the columns code,name,level,parent is complete for the levels it contains: codes of these levels that it
    lacks retire. A file with year,change,old_code,old_name,new_code,new_name,document adds changes.
    """
    contents = [(str(file), _read(file)) for file in files]
    report = on_database(
        data,
        lambda connection: import_directory(
            connection, contents, actor=actor(), as_of=as_of.date() if as_of is not None else None
        ),
    )
    if as_json:
        print_json(_report_document(report))
    else:
        _print_report(report)


@app.command()
def show(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A code of 2, 4, 6 or 9 digits.")],
    year: YearOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Show what a code is, what lies directly under it, and how it changed.

    With --year: what it was in that year, where that has gone, and how the code changed since.
    """
    _refuse_impossible(year)
    directory = on_database(data, current_directory)
    resolution = _resolve(directory, code, year)
    if resolution.status == "unknown":
        raise CommandError(f"{code} is and was no code of the directory")
    if as_json:
        print_json(_description(directory, code, resolution) | _description_then(directory, code, year))
    elif year is None:
        _print_description(directory, code, resolution)
    else:
        _print_description_then(directory, code, resolution, year)


@app.command()
def resolve(
    address: Annotated[
        str, typer.Argument(metavar="CODE", help="A code, or a department of one such as 410102.health.")
    ],
    year: YearOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Follow a code to the current one: itself, or its successor.

    With --year, what the code stood for in that year is followed; the year of a change counts as after it.
    """
    _refuse_impossible(year)
    directory = on_database(data, current_directory)
    resolution = _resolve(directory, address, year)
    if as_json:
        print_json(asdict(resolution))
    elif year is None:
        typer.echo(_resolution_line(directory, address, resolution))
    else:
        typer.echo(_resolution_line_then(directory, address, resolution, year))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error


def _refuse_impossible(year: int | None) -> None:
    this_year = datetime.now().astimezone().year
    if year is not None and not FIRST_YEAR <= year <= this_year:
        raise CommandError(
            f"{year} cannot be the year in which a code was written: the directory knows the codes from {FIRST_YEAR} "
            f"on, and this is {this_year}"
        )


def _resolve(directory: Directory, address: str, year: int | None) -> Resolution:
    try:
        return directory.resolve(address, year)
    except AddressError as error:
        raise CommandError(str(error)) from error


def _description(directory: Directory, code: str, resolution: Resolution) -> dict[str, Any]:
    jurisdiction = directory.get(code)
    return {
        "code": code,
        "status": resolution.status,
        "name": jurisdiction.name if jurisdiction is not None else None,
        "full_name": directory.full_name(code) if jurisdiction is not None else None,
        "level": jurisdiction.level if jurisdiction is not None else None,
        "parent": jurisdiction.parent if jurisdiction is not None else None,
        "below": [asdict(child) for child in directory.below(code)],
        "current": resolution.address,
        "path": resolution.path,
        "changes": [asdict(change) for change in directory.changes_of(code)],
    }


def _description_then(directory: Directory, code: str, year: int | None) -> dict[str, Any]:
    if year is None:
        return {}
    return {
        "year": year,
        "name_then": directory.name_in(code, year),
        "changes_since": [asdict(change) for change in _changes_since(directory, code, year)],
    }


def _changes_since(directory: Directory, code: str, year: int) -> list[Change]:
    return [change for change in directory.changes_of(code) if change.year > year]


def _print_description(directory: Directory, code: str, resolution: Resolution) -> None:
    jurisdiction = directory.get(code)
    typer.echo(_resolution_line(directory, code, resolution))
    if jurisdiction is not None:
        typer.echo(f"level    {jurisdiction.level}")
    if jurisdiction is not None and jurisdiction.parent is not None:
        typer.echo(f"parent   {jurisdiction.parent} {directory.full_name(jurisdiction.parent)}")
    for child in directory.below(code):
        typer.echo(f"below    {child.code} {child.name}")
    for change in directory.changes_of(code):
        typer.echo(f"changed  {_change_line(change)}")


def _print_description_then(directory: Directory, code: str, resolution: Resolution, year: int) -> None:
    typer.echo(_resolution_line_then(directory, code, resolution, year))
    for change in _changes_since(directory, code, year):
        typer.echo(f"changed  {_change_line(change)}")


def _resolution_line_then(directory: Directory, address: str, resolution: Resolution, year: int) -> str:
    if resolution.status == "unknown":
        return _resolution_line(directory, address, resolution)
    then = f"{address} in {year}: {directory.name_in(resolution.path[0], year) or 'a name that is not recorded'}"
    steps = f" ({' → '.join(resolution.path)})" if len(resolution.path) > 1 else ""
    if resolution.address is None:
        return f"{then}, which leads to no current code{steps}; it cannot be written to"
    name = directory.full_name(resolution.path[-1])
    if resolution.status == "current":
        return f"{then}, which has the code today: {name}{steps}"
    return f"{then}, which is {resolution.address} today: {name}{steps}"


def _resolution_line(directory: Directory, address: str, resolution: Resolution) -> str:
    steps = " → ".join(resolution.path)
    if resolution.address is not None:
        name = directory.full_name(resolution.path[-1])
        if resolution.status == "current":
            return f"{address} is current: {name}"
        return f"{address} is retired and leads to {resolution.address}: {name} ({steps})"
    if resolution.status == "retired":
        return f"{address} is retired and leads to no current code ({steps}); messages to it are parked"
    return f"{address} is and was no code of the directory; messages to it are refused"


def _change_line(change: Change) -> str:
    old = f"{change.old_code or ''} {change.old_name}".strip() or "—"
    new = f"{change.new_code or ''} {change.new_name}".strip() or "—"
    return f"{change.year} {change.change}: {old} → {new} {change.document}".rstrip()


def _report_document(report: ImportReport) -> dict[str, Any]:
    return {
        "edition": report.edition,
        "as_of": report.as_of.isoformat(),
        "added": len(report.added),
        "changed": len(report.changed),
        "retired": len(report.retired),
        "changes": report.changes,
        "added_codes": report.added,
        "changed_codes": report.changed,
        "retired_codes": report.retired,
        "stranded_participants": report.stranded,
    }


def _print_report(report: ImportReport) -> None:
    typer.echo(f"edition {report.edition}, valid from {report.as_of}")
    for what, codes in (("added", report.added), ("changed", report.changed), ("retired", report.retired)):
        typer.echo(f"{what:<8} {len(codes):>6} codes  {_some(codes)}".rstrip())
    typer.echo(f"changes  {report.changes:>6} new rows of the change table")
    if report.stranded:
        typer.echo(f"Participants on retired codes, whose messages go to the successors now: {_some(report.stranded)}")


def _some(codes: Sequence[str]) -> str:
    shown = " ".join(codes[:_SHOWN_CODES])
    return f"{shown} …" if len(codes) > _SHOWN_CODES else shown
