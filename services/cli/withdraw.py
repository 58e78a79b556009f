"""`huizhi withdraw`: a query taken back, posted for the participant that asked."""

from contracts.envelope import MessageType
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption
from services.cli.posting import OwnIdOption, Party, QueryArgument, ReasonOption, post_reply


def withdraw(
    query: QueryArgument,
    *,
    reason: ReasonOption = None,
    id: OwnIdOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Withdraw a query as the participant that asked, and print the withdrawal's id.

    No answer is owed any more. Where the query was received, it is counted as withdrawn.
    """
    said = {"reason": reason}
    post_reply(data, query, Party.ASKER, MessageType.WITHDRAWAL, said, id=id, as_json=as_json)
