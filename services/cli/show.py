"""`huizhi show`: a message, and what happened to it."""

from typing import Annotated, Any

import typer

from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import Clock, show_table, table
from services.cli.posting import new_id
from services.cli.refused import refusal_lines
from services.cli.unanswered import way


def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Show a message, its entries on the ledger with their times, and every refusal of its id."""
    with API(data) as api:
        message = api.message(new_id(id))
    if message is None:
        raise CommandError(f"there is no message {id} on the ledger")
    if as_json:
        print_json(message)
        return
    clock = Clock.of_settings()
    for name, value in particulars(message):
        typer.echo(f"{name:<10} {value}")
    if message["entries"]:
        typer.echo("")
        _print_entries(message["entries"], clock)
    for refusal in message["refusals"]:
        typer.echo("")
        for line in refusal_lines(refusal, clock):
            typer.echo(line)
    typer.echo(f"\nTimes are in {clock.zone}.")


def particulars(message: dict[str, Any]) -> list[tuple[str, str]]:
    """What a message is and how it stands, without the members it does not have."""
    if message["state"] is None:
        return [("message", message["id"]), ("state", "refused; it is not on the ledger")]
    answered = message["outcome"] if message["type"] == "query" else None
    given = message["outcome"] if message["type"] == "answer" else None
    by_whom = f"{message['sender']}, posted by the administrator"
    rows = [
        (message["type"], message["id"]),
        ("state", message["state"] + (f": {message['parked_reason']}" if message["parked_reason"] else "")),
        ("kind", message["kind"]),
        ("way", f"{way(message)}, {message['tier']}"),
        ("sender", by_whom if message["submitter"] == "administrator" else message["sender"]),
        ("due", message["due"]),
        ("answers", message["correlation_id"]),
        ("outcome", given),
        ("answered", answered and f"{answered}, {'on time' if message['on_time'] else 'late'}"),
        ("answer", message["answer_id"]),
        ("period", message["period"]),
    ]
    return [(name, value) for name, value in rows if value]


def _print_entries(entries: list[dict[str, Any]], clock: Clock) -> None:
    made = table("entry", "time", "event", "", right=("entry",))
    for entry in entries:
        details = ", ".join(entry_details(entry))
        made.add_row(str(entry["index"]), clock.moment(entry["at"], milliseconds=True), entry["event"], details)
    show_table(made)


def entry_details(entry: dict[str, Any]) -> list[str]:
    """What an entry says beyond what stands above it."""
    data = entry["data"]
    match entry["event"]:
        case "dispatched":
            return [f"in the inbox of {data['recipient']}"] if "recipient" in data else []
        case "answered":
            return [str(data["outcome"]), "on time" if data["on_time"] else "late"]
        case "parked":
            return [str(data["reason"])]
        case _:
            return []
