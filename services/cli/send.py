"""`huizhi send`: a query or a notice, posted for a participant."""

from enum import StrEnum
from typing import Annotated

import typer

from contracts.envelope import MAX_SEQUENCE, Urgency
from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import warn
from services.cli.posting import PAYLOAD_HELP, YearOption, hand_over, ledgers_word, new_id, read_payload, said_of


class Sendable(StrEnum):
    """What can be sent without a query that it belongs to."""

    QUERY = "query"
    NOTICE = "notice"


def send(
    to: Annotated[str, typer.Argument(metavar="TO", help="The address it goes to: 410102, or 410102.health.")],
    *,
    origin: Annotated[
        str, typer.Option("--from", metavar="ADDRESS", help="The participant it is from, or an address below one.")
    ],
    kind: Annotated[str, typer.Option(metavar="KIND", help="What it is about; `huizhi kind list` lists the kinds.")],
    payload: Annotated[str, typer.Option(metavar="JSON", help=PAYLOAD_HELP)],
    type: Annotated[Sendable, typer.Option(help="A query must be answered, a notice need not.")] = Sendable.QUERY,
    due: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Answer until this day. Default, and latest: the kind's deadline."),
    ] = None,
    urgent: Annotated[
        bool, typer.Option("--urgent", help="A query of which the kind's urgent deadline holds.")
    ] = False,
    year: YearOption = None,
    id: Annotated[
        str | None, typer.Option(metavar="UUID", help="Its id. The same id and content again is not counted twice.")
    ] = None,
    sequence: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=MAX_SEQUENCE, help="Which of its sender's messages it is, where they are numbered."
        ),
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Send a query or a notice for a participant, and print its id.

    It is posted over HTTP with the administrator's token, which the ledger records.
    """
    if urgent and type is not Sendable.QUERY:
        raise CommandError("--urgent is for queries: nothing is owed on a notice")
    fields = {"id": new_id(id), "type": type.value, "to": to, "kind": kind, "from": origin, "due": due}
    fields |= {"urgency": Urgency.URGENT.value if urgent else None, "written": None if year is None else str(year)}
    fields |= {"sequence": None if sequence is None else str(sequence)}
    with API(data) as api:
        custody = hand_over(api, fields, read_payload(payload))
        word = ledgers_word(api, custody)
    if as_json:
        print_json({**custody, "state": word["state"] if word is not None else None})
        return
    typer.echo(custody["id"])
    until = f"; an answer is owed until {custody['due']}" if custody["due"] else ""
    warn(f"{type.value} to {custody['address']}: {said_of(word, custody)}{until}")
