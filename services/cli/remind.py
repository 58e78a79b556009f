"""`huizhi remind`: a query's recipient reminded by hand."""

import time
from typing import Annotated, Any

import typer

from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import warn
from services.cli.posting import LEDGER_WITHIN_S, LOOK_EVERY_S, QueryArgument, find_query

OPEN_STATES = ("dispatched", "acknowledged", "partly-answered")


def remind(
    query: QueryArgument,
    *,
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why; it goes out with the reminder, its code is kept.")
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Remind the recipient of a query that is not answered, and wait until that is on the ledger.

    A reminder goes into the recipient's inbox. After one, by hand or not, the kind's cool-down has to pass.
    """
    with API(data) as api:
        behind = find_query(api, query)["entries"][-1]["index"]
        ordered = api.remind(query, reason)
        entry = _reminded(api, query, behind)
    if as_json:
        print_json({**ordered, "entry": entry["index"] if entry else None})
        return
    if entry is None:
        warn(f"the reminder is ordered; the ledger has not recorded it yet, `huizhi show {query}` will tell")
        return
    typer.echo(f"{ordered['recipient']} is reminded; on the ledger as entry {entry['index']}")


def _reminded(api: API, id: str, behind: int) -> dict[str, Any] | None:
    """The entry of a reminder after the entry `behind`, None where there is none in time.

    Raises CommandError where there will be none, since the query is no longer open.
    """
    began = time.monotonic()
    while time.monotonic() - began < LEDGER_WITHIN_S:
        query = find_query(api, id)
        for entry in query["entries"]:
            if entry["index"] > behind and entry["event"] == "reminded":
                return dict(entry)
        if query["state"] not in OPEN_STATES:
            raise CommandError(f"query {id} is {query['state']} meanwhile; nobody was reminded")
        time.sleep(LOOK_EVERY_S)
    return None
