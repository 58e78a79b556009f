"""`huizhi extend`: more time for a query, asked for by its recipient and agreed on or refused by its asker."""

from typing import Annotated

import typer

from contracts.envelope import ExtensionReply, MessageType
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption
from services.cli.errors import CommandError
from services.cli.posting import OwnIdOption, Party, QueryArgument, ReasonOption, post_reply


def extend(
    query: QueryArgument,
    *,
    due: Annotated[str | None, typer.Option(metavar="DATE", help="As the recipient: the later date.")] = None,
    reason: ReasonOption = None,
    accept: Annotated[
        bool | None,
        typer.Option("--accept/--refuse", help="As the asker: agree on the date asked for, or keep the old one."),
    ] = None,
    id: OwnIdOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Ask for more time for a query (--due, --reason), or reply to who asks for it (--accept or --refuse).

    Until the asker accepts, the old date holds. Both dates are kept, and `on time` is counted against each.
    """
    party: Party
    said: dict[str, str | None]
    if accept is None:
        if due is None or reason is None:
            raise CommandError(
                "give --due DATE and --reason TEXT to ask for more time, or --accept or --refuse to reply"
            )
        party, said = Party.RECIPIENT, {"due": due, "reason": reason}
    else:
        if due is not None:
            raise CommandError("--due is for who asks for more time; --accept agrees on the date that was asked for")
        reply = ExtensionReply.ACCEPTED if accept else ExtensionReply.REFUSED
        party, said = Party.ASKER, {"outcome": reply.value, "reason": reason}
    post_reply(data, query, party, MessageType.EXTENSION, said, id=id, as_json=as_json)
