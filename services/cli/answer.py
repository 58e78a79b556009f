"""`huizhi answer`: the answer to a query, posted for the participant that has it."""

from typing import Annotated

import typer

from contracts.envelope import MessageType, Outcome
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption
from services.cli.posting import PAYLOAD_HELP, OwnIdOption, Party, QueryArgument, post_reply


def answer(
    query: QueryArgument,
    *,
    outcome: Annotated[Outcome, typer.Option(help="What was found.")],
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why, with the outcomes partial and refused.")
    ] = None,
    payload: Annotated[str, typer.Option(metavar="JSON", help=f"{PAYLOAD_HELP} An answer may have a note.")] = "{}",
    id: OwnIdOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Answer a query as the participant that received it, and print the answer's id.

    The query in the participant's inbox stays there until it is taken out (`huizhi inbox ADDRESS --take N`).
    """
    said = {"outcome": outcome.value, "reason": reason}
    post_reply(data, query, Party.RECIPIENT, MessageType.ANSWER, said, id=id, payload=payload, as_json=as_json)
