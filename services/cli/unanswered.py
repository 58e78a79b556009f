"""`huizhi unanswered`: the queries behind the difference between received and answered."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.layout import NOTHING, Clock, marked, show_table, table
from services.cli.rate import CodeArgument, FromOption, KindOption, PeriodOption, TierOption, ToOption

AllOption = Annotated[bool, typer.Option("--all", help="All of them, not only the first page.")]
LimitOption = Annotated[int, typer.Option(min=1, max=1000, metavar="N", help="So many on a page.")]


def unanswered(
    code: CodeArgument = "",
    *,
    tier: TierOption = None,
    kind: KindOption = None,
    period: PeriodOption = None,
    start: FromOption = None,
    end: ToOption = None,
    limit: LimitOption = 100,
    everything: AllOption = False,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """List the queries that were received and wait for an answer, oldest first, with their deadlines."""
    with API(data) as api:
        page = api.pages(
            "unanswered",
            all_pages=everything,
            jurisdiction=code,
            tier=tier,
            kind=kind,
            period=period,
            from_=start,
            to=end,
            limit=1000 if everything else limit,
        )
    if as_json:
        print_json(page)
        return
    clock = Clock.of_settings()
    if page["items"]:
        show_table(queries_table(page["items"], clock))
    overdue = sum(item["overdue"] for item in page["items"])
    counted = f"{len(page['items'])} unanswered, {overdue} overdue"
    typer.echo(counted + ("; there are more, --all lists them" if page["next"] else ""))
    if page["items"]:
        typer.echo(f"Times are in {clock.zone}.")


def queries_table(items: Sequence[dict[str, Any]], clock: Clock) -> Table:
    """A query in two lines or three, since an id leaves little room beside it on 80 columns.

    `due` is the date agreed on; one that was extended says below the query which date held at first.
    """
    made = table("query", "tier", "received", "due")
    for item in items:
        due = item["due"] or NOTHING
        extended = f"\n  first due {item['original_due']}" if item["original_due"] != item["due"] else ""
        state = "" if item["state"] == "dispatched" else f"\n{item['state'].replace('-', ' ')}"
        made.add_row(
            Text(f"{item['id']}\n  {item['kind']}  {way(item)}{extended}"),
            item["tier"],
            f"{clock.moment(item['dispatched_at'])[:16]}{state}",
            marked(f"{due}\nOVERDUE", "bold red") if item["overdue"] else due,
        )
    return made


def way(item: dict[str, Any]) -> str:
    """`310115 → 410102`, and where a successor or a place above has it, `→ 410181 (inbox of 4101)`."""
    address = item.get("address") or item["to"]
    written = f"{item['from']} → {item['to'] or address}"
    if item["to"] and item["to"] != address:
        written += f", now {address}"
    recipient = item.get("recipient")
    return written if recipient in (None, address) else f"{written} (inbox of {recipient})"
