"""`huizhi forward`: a query handed on to who should answer it, posted for the participant that has it."""

from typing import Annotated

import typer

from contracts.envelope import MessageType
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption
from services.cli.posting import PAYLOAD_HELP, OwnIdOption, Party, QueryArgument, ReasonOption, YearOption, post_reply


def forward(
    query: QueryArgument,
    to: Annotated[str, typer.Argument(metavar="TO", help="The address that should answer it: 410102.")],
    *,
    payload: Annotated[
        str,
        typer.Option(metavar="JSON", help=f"The query's payload, which the exchange has not kept. {PAYLOAD_HELP}"),
    ],
    reason: ReasonOption = None,
    year: YearOption = None,
    id: OwnIdOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Forward a query as the participant that received it, and print the forward's id.

    The query goes on under its own id, with the payload given here; its duty passes to TO, and its date stays.
    """
    said = {"to": to, "reason": reason, "written": None if year is None else str(year)}
    post_reply(data, query, Party.RECIPIENT, MessageType.FORWARD, said, id=id, payload=payload, as_json=as_json)
