"""`huizhi refused`: what was not let in, and why."""

from typing import Annotated, Any

import typer

from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.layout import Clock
from services.cli.unanswered import AllOption, LimitOption

_URN = "urn:huizhi:problem:"


def refused(
    *,
    problem: Annotated[
        str | None, typer.Option(metavar="PROBLEM", help="Only this problem type, for example unknown-kind.")
    ] = None,
    sender: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Only from this account.")] = None,
    limit: LimitOption = 100,
    everything: AllOption = False,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """List the messages that were refused, the newest first, with the reason."""
    with API(data) as api:
        page = api.pages(
            "refused",
            all_pages=everything,
            problem=problem,
            sender=sender,
            limit=1000 if everything else limit,
        )
    if as_json:
        print_json(page)
        return
    clock = Clock.of_settings()
    for item in page["items"]:
        for line in refusal_lines(item, clock):
            typer.echo(line)
    more = "; there are more, --all lists them" if page["next"] else ""
    typer.echo(f"{len(page['items'])} refused{more}")
    if page["items"]:
        typer.echo(f"Times are in {clock.zone}.")


def refusal_lines(item: dict[str, Any], clock: Clock) -> list[str]:
    """A refusal in three lines: when and which problem, whose message it was, and what to do about it."""
    type = item["type"] or "message"
    message = f"{type} {item['message_id']}" if item["message_id"] else f"{type} without an id that can be read"
    sender = item["sender"] or "an account that is not known"
    door = "by the ledger" if item["door"] == "ledger" else f"over {item['door'].upper()}"
    return [
        f"{clock.moment(item['at'])}  {item['problem'].removeprefix(_URN)}: {item['title']}",
        f"  {message}",
        f"  from {sender}, refused {door}, entry {item['entry']}, payload of {item['payload_bytes']:,} bytes",
        f"  {item['detail']}",
    ]
