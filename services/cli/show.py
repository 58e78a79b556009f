"""`huizhi show`: a message, who had it for how long, and what happened to it."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import Clock, duration, show_table, table
from services.cli.posting import new_id
from services.cli.refused import refusal_lines
from services.cli.unanswered import way


def show(
    id: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Show a message, who had it for how long, its entries on the ledger, and every refusal of its id."""
    with API(data) as api:
        message = api.message(new_id(id, "ID"))
    if message is None:
        raise CommandError(f"there is no message {id} on the ledger")
    if as_json:
        print_json(message)
        return
    clock = Clock.of_settings()
    for name, value in particulars(message):
        typer.echo(f"{name:<10} {value}")
    for shown in (custody_table(message["custody"], clock), timeline_table(message, clock)):
        if shown.row_count:
            typer.echo("")
            show_table(shown)
    for refusal in message["refusals"]:
        typer.echo("")
        for line in refusal_lines(refusal, clock):
            typer.echo(line)
    typer.echo(f"\nTimes are in {clock.zone}.")


def particulars(message: dict[str, Any]) -> list[tuple[str, str]]:
    """What a message is and how it stands, without the members it does not have."""
    if message["state"] is None:
        return [("message", message["id"]), ("state", "refused; it is not on the ledger")]
    by_whom = f"{message['sender']}, posted by the administrator"
    rows = [
        (message["type"], message["id"]),
        ("state", message["state"] + (f": {message['parked_reason']}" if message["parked_reason"] else "")),
        ("kind", message["kind"]),
        ("way", f"{way(message)}, {message['tier']}"),
        ("sender", by_whom if message["submitter"] == "administrator" else message["sender"]),
        *(_life(message) if message["type"] == "query" else _said(message)),
        ("period", message["period"]),
    ]
    return [(name, value) for name, value in rows if value]


def _said(message: dict[str, Any]) -> list[tuple[str, str | None]]:
    """What a message says of the query that it is about."""
    return [
        ("answers" if message["type"] == "answer" else "about", message["correlation_id"]),
        ("due", message["due"]),
        ("outcome", message["outcome"]),
        ("reason", message["reason_code"]),
        ("rating", _rating(message)),
    ]


def _life(query: dict[str, Any]) -> list[tuple[str, str | None]]:
    """A query's dates, how often it went on, and what came of it."""
    extended = f" (first {query['original_due']})" if query["original_due"] != query["due"] else ""
    answered = query["outcome"] if query["state"] == "answered" else None
    partly = "the first part has come" if query["state"] == "partly-answered" else None
    reminders = sum(entry["event"] == "reminded" for entry in query["entries"])
    return [
        ("due", query["due"] and f"{query['due']}{extended}"),
        ("proposed", query["proposed_due"] and f"{query['proposed_due']}; the asker has not replied"),
        ("forwards", str(query["forwards"]) if query["forwards"] else None),
        ("before", ", ".join(query["holders"])),
        ("reminders", str(reminders) if reminders else None),
        ("answered", answered and f"{answered}, {_timeliness(query)}"),
        ("answered", partly),
        ("reason", query["reason_code"]),
        ("answer", query["answer_id"]),
        ("rating", _rating(query)),
    ]


def _timeliness(query: dict[str, Any]) -> str:
    if query["on_time"] and not query["on_time_original"]:
        return "on time by the agreed date, late by the first"
    return "on time" if query["on_time"] else "late"


def _rating(message: dict[str, Any]) -> str | None:
    if message["timely"] is None:
        return None
    return ", ".join(f"{'' if message[name] else 'not '}{name}" for name in ("timely", "useful"))


def timeline_table(message: dict[str, Any], clock: Clock) -> Table:
    """What happened to a message, in order; below each time, who had it until then, and for how long."""
    made = table("entry", "time", "event", right=("entry",))
    before = message["arrived_at"]
    for entry in message["entries"]:
        # What was only refused was in nobody's custody.
        had = _had(message["custody"], before, entry["at"]) if message["custody"] else ""
        details = ", ".join(entry_details(entry))
        made.add_row(
            str(entry["index"]),
            _with_below(clock.moment(entry["at"], milliseconds=True), had),
            _with_below(entry["event"], details),
        )
        before = entry["at"]
    return made


def custody_table(custody: list[dict[str, Any]], clock: Clock) -> Table:
    """Who had a message, from when, and for how long."""
    made = table("since", "with", "", "for")
    for stretch in custody:
        still = "" if stretch["until"] else " so far"
        made.add_row(
            clock.moment(stretch["since"]),
            _named(stretch["holder"]),
            "" if stretch["stage"] == "exchange" else stretch["stage"].replace("-", " "),
            f"{duration(stretch['seconds'])}{still}",
        )
    return made


def _had(custody: list[dict[str, Any]], start: str, end: str) -> str:
    """Who had a message between two entries for the longest time, and for how long; nothing for entries of one moment.

    What ends a holder's time arrives a little before the ledger writes it down.
    """
    begin, over = _read(start), _read(end)
    held = [
        (min(_read(each["until"] or end), over) - max(_read(each["since"]), begin), each["holder"]) for each in custody
    ]
    longest, holder = max(held, key=lambda each: each[0])
    return f"{_named(holder)}, {duration(longest.total_seconds())}" if longest > timedelta(0) else ""


def _with_below(text: str, below: str) -> Text:
    return Text(f"{text}\n  {below}" if below else text)


def _named(holder: str) -> str:
    return "the exchange" if holder == "exchange" else holder


def _read(moment: str) -> datetime:
    return datetime.fromisoformat(moment)


def entry_details(entry: dict[str, Any]) -> list[str]:
    """What an entry says beyond what stands above it."""
    data = entry["data"]
    said: list[str | None]
    match entry["event"]:
        case "accepted":
            said = ["urgent" if data.get("urgent") else None]
        case "dispatched":
            said = [f"in the inbox of {data['recipient']}"] if "recipient" in data else []
        case "answered":
            said = [data["outcome"], "on time" if data["on_time"] else "late", data.get("reason")]
        case "extension-asked" | "extended":
            said = [f"due {data['due']}", data.get("reason")]
        case "forwarded" | "passed-on":
            said = [f"by {data['by']} to {data['to']}", data.get("reason")]
        case "reminded":
            said = [data["step"], data.get("by") and f"by {data['by']}", data.get("reason")]
        case "escalated":
            said = [data["step"], f"{data['told'] or 'nobody above'} is told"]
        case "rated":
            said = [_rating(data)]
        case "parked" | "partly-answered" | "extension-refused" | "withdrawn":
            said = [data.get("reason")]
        case _:
            said = []
    return [str(each) for each in said if each]
