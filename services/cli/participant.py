"""`huizhi participant`: who is on the exchange."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from contracts.addresses import parse_address
from contracts.directory import Directory
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.registry import on_participants
from services.registry.accounts import QueueState
from services.registry.candidates import counties
from services.registry.participants import Credentials, ParticipantRecord, Participants

app = typer.Typer(help="Add, list, disable, enable, renew and restore participants.", no_args_is_help=True)

CREDENTIALS_FILE = "participants.jsonl"

_Address = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="A code such as 410102, or a department, 410102.health.")
]


@app.command()
def add(
    address: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", help="A current code, or a department of one: 410102.health.")
    ] = None,
    *,
    name: Annotated[str | None, typer.Option(help="The name to show. Default: the directory's.")] = None,
    all_counties: Annotated[bool, typer.Option("--all-counties", help="Add every county that is none yet.")] = False,
    province: Annotated[
        str | None, typer.Option(metavar="CODE", help="With --all-counties: only this province.")
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Add a participant: an account on the broker, an inbox, and an API token. Its secrets are shown this once.

    With --all-counties the secrets go to the file participants.jsonl in the stack's directory (mode 600). When this is
    interrupted, the same command goes on where it stopped; of two lines for one address the later one is valid.
    """
    if all_counties and address is None and name is None:
        _add_counties(data, province, as_json=as_json)
    elif address is not None and not all_counties and province is None:
        _add_one(data, address, name, as_json=as_json)
    else:
        raise CommandError("give either one ADDRESS, or --all-counties and with it perhaps --province")


@app.command("list")
def list_(
    territory: Annotated[str, typer.Argument(metavar="[CODE]", help="Only addresses that begin like this.")] = "",
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """List the participants."""

    async def work(participants: Participants, directory: Directory) -> tuple[list[ParticipantRecord], Directory]:
        return await participants.list(territory), directory

    records, directory = on_participants(data, work)
    if as_json:
        print_json([_document(record, directory) for record in records])
        return
    table = Table("address", "status", "since", "name", box=None)
    for record in records:
        table.add_row(record.address, _status(record, directory), f"{record.created_at:%Y-%m-%d}", record.name)
    Console().print(table)
    typer.echo(f"{len(records)} participants")


@app.command()
def show(address: _Address, data: DataOption = DEFAULT_DATA, as_json: JSONOption = False) -> None:
    """Show a participant and how full its inbox is."""

    async def work(
        participants: Participants, directory: Directory
    ) -> tuple[ParticipantRecord, QueueState | None, Directory]:
        return await participants.get(address), await participants.inbox_state(address), directory

    record, inbox, directory = on_participants(data, work)
    inbox_document = asdict(inbox) if inbox is not None else None
    if as_json:
        print_json({**_document(record, directory), "inbox": inbox_document})
        return
    _print_record(record, directory)
    if inbox is None:
        typer.echo("inbox    missing on the broker")
    else:
        typer.echo(f"inbox    {inbox.messages} messages, {inbox.consumers} consumers")


@app.command()
def disable(address: _Address, data: DataOption = DEFAULT_DATA, as_json: JSONOption = False) -> None:
    """Stop a participant's new traffic. Its inbox stays, and it may go on emptying it."""

    async def work(participants: Participants, directory: Directory) -> tuple[ParticipantRecord, Directory]:
        return await participants.disable(address), directory

    _show_changed(*on_participants(data, work), as_json=as_json)


@app.command()
def enable(address: _Address, data: DataOption = DEFAULT_DATA, as_json: JSONOption = False) -> None:
    """Let a disabled participant take part again."""

    async def work(participants: Participants, directory: Directory) -> tuple[ParticipantRecord, Directory]:
        return await participants.enable(address), directory

    _show_changed(*on_participants(data, work), as_json=as_json)


@app.command()
def restore(address: _Address, data: DataOption = DEFAULT_DATA, as_json: JSONOption = False) -> None:
    """Make a participant's inbox anew where somebody deleted it. What waits for it is delivered then; secrets stay."""

    async def work(participants: Participants, directory: Directory) -> tuple[ParticipantRecord, Directory]:
        return await participants.restore(address), directory

    _show_changed(*on_participants(data, work), as_json=as_json)


@app.command()
def renew(address: _Address, data: DataOption = DEFAULT_DATA, as_json: JSONOption = False) -> None:
    """Give a participant a new password and token; the old ones end. For secrets that were lost or have leaked."""

    async def work(participants: Participants, directory: Directory) -> tuple[Credentials, ParticipantRecord]:
        return await participants.renew(address), await participants.get(address)

    _print_credentials(*on_participants(data, work), "has new secrets; the old ones are void.", as_json=as_json)


def _add_one(data: Path, address: str, name: str | None, *, as_json: bool) -> None:
    async def work(participants: Participants, directory: Directory) -> tuple[Credentials, ParticipantRecord]:
        return await participants.add(address, name), await participants.get(address)

    _print_credentials(*on_participants(data, work), "is a participant.", as_json=as_json)


def _print_credentials(credentials: Credentials, record: ParticipantRecord, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(credentials))
        return
    typer.echo(f"{record.address} {record.name} {said}")
    typer.echo(f"AMQP   {credentials.amqp_url}")
    typer.echo(f"inbox  inbox.{record.address}")
    typer.echo(f"token  {credentials.token}")
    typer.echo("Keep the AMQP password and the token: they are shown this once and stored only as hashes.")


def _add_counties(data: Path, province: str | None, *, as_json: bool) -> None:
    path = data / CREDENTIALS_FILE

    async def work(participants: Participants, directory: Directory) -> tuple[int, int]:
        wanted = counties(directory, province)
        if not wanted:
            raise CommandError(
                f"the directory has no counties in {province!r}; give a province as its two digits, such as 41"
            )
        with _progress() as progress:
            task = progress.add_task("participants", total=len(wanted))
            added = await participants.add_absent(
                wanted,
                lambda credentials: _append_private(path, credentials),
                lambda done: progress.update(task, completed=done),
            )
        return added, len(wanted)

    added, total = on_participants(data, work)
    if as_json:
        print_json({"added": added, "present_before": total - added, "credentials": str(path)})
        return
    typer.echo(f"{added} participants added, {total - added} were there already.")
    if added:
        typer.echo(f"Their AMQP URLs and tokens are in {path}, a line each; they are stored nowhere else.")


def _append_private(path: Path, credentials: Sequence[Credentials]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(asdict(one)) + "\n" for one in credentials)
        file.flush()
        # The rows are committed after this; what they are the hashes of must not be lost to a power cut.
        os.fsync(file.fileno())


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _show_changed(record: ParticipantRecord, directory: Directory, *, as_json: bool) -> None:
    if as_json:
        print_json(_document(record, directory))
    else:
        _print_record(record, directory)


def _document(record: ParticipantRecord, directory: Directory) -> dict[str, Any]:
    return {**asdict(record), "code_is_current": _code_is_current(record, directory)}


def _print_record(record: ParticipantRecord, directory: Directory) -> None:
    typer.echo(f"{record.address} {record.name}")
    typer.echo(f"status   {_status(record, directory)}")
    typer.echo(f"created  {record.created_at:%Y-%m-%d %H:%M:%S %Z}")
    if record.disabled_at is not None:
        typer.echo(f"disabled {record.disabled_at:%Y-%m-%d %H:%M:%S %Z}")


def _status(record: ParticipantRecord, directory: Directory) -> str:
    return record.status if _code_is_current(record, directory) else f"{record.status}, on a retired code"


def _code_is_current(record: ParticipantRecord, directory: Directory) -> bool:
    return parse_address(record.address).code in directory
