"""`huizhi parked`: what is in custody and cannot be placed, and what the ledger could not take."""

from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.layout import NOTHING, Clock, show_table, table
from services.cli.rate import CodeArgument
from services.cli.unanswered import AllOption, LimitOption, way


def parked(
    code: CodeArgument = "",
    *,
    limit: LimitOption = 100,
    everything: AllOption = False,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """List the messages that could not be placed, oldest first. They are tried again when something changes.

    Beside them stands what was set aside: records that the ledger could not take, which lie in the queue dead-letters.
    """
    with API(data) as api:
        limit = 1000 if everything else limit
        page = api.pages("parked", all_pages=everything, jurisdiction=code, limit=limit)
    if as_json:
        print_json(page)
        return
    clock = Clock.of_settings()
    if page["items"]:
        show_table(_parked_table(page["items"], clock))
    typer.echo(f"{len(page['items'])} parked" + ("; there are more, --all lists them" if page["next"] else ""))
    for item in page["set_aside"]:
        for line in set_aside_lines(item, clock):
            typer.echo(line)
    typer.echo(f"{len(page['set_aside'])} set aside")
    if page["items"] or page["set_aside"]:
        typer.echo(f"Times are in {clock.zone}.")


def set_aside_lines(item: dict[str, Any], clock: Clock) -> list[str]:
    """What was set aside: when and why, and what it was."""
    message = f"message {item['message_id']}" if item["message_id"] else "no message that can be named"
    return [
        f"{clock.moment(item['at'])}  set aside: {item['reason']}",
        f"  {message} from {item['sender'] or 'an account that is not known'}, batch {item['batch'] or NOTHING}",
    ]


def _parked_table(items: list[dict[str, Any]], clock: Clock) -> Table:
    made = table("message", "accepted", "reason")
    for item in items:
        due = f"  due {item['due']}" if item["due"] else ""
        made.add_row(
            Text(f"{item['id']}\n  {item['type']}  {item['kind'] or ''}  {way(item)}{due}"),
            clock.moment(item["accepted_at"])[:16],
            item["reason"],
        )
    return made
