"""`huizhi assess`: what an answer was worth, posted for the participant that asked."""

from enum import StrEnum
from typing import Annotated

import typer

from contracts.envelope import MessageType
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption
from services.cli.posting import OwnIdOption, Party, QueryArgument, post_reply


class YesOrNo(StrEnum):
    """A plain judgement."""

    YES = "yes"
    NO = "no"


def assess(
    query: QueryArgument,
    *,
    timely: Annotated[YesOrNo, typer.Option(help="Whether the answer came soon enough to be of use.")],
    useful: Annotated[YesOrNo, typer.Option(help="Whether it said what was needed.")],
    id: OwnIdOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Rate the answer to a query as the participant that asked, once, and print the rating's id."""
    said = {"timely": timely.value, "useful": useful.value}
    post_reply(data, query, Party.ASKER, MessageType.RATING, said, id=id, as_json=as_json)
