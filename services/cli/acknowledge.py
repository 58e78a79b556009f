"""`huizhi acknowledge`: that a query has reached its recipient's own system, posted for the recipient."""

from contracts.envelope import MessageType
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption
from services.cli.posting import OwnIdOption, Party, QueryArgument, post_reply


def acknowledge(
    query: QueryArgument,
    *,
    id: OwnIdOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Acknowledge a query as the participant that received it, and print the acknowledgement's id.

    It says that the recipient's own system has the query. The answer is still owed.
    """
    post_reply(data, query, Party.RECIPIENT, MessageType.ACKNOWLEDGEMENT, {}, id=id, as_json=as_json)
