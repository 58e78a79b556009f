"""`huizhi answer`: the answer to a query, posted for the participant that has it."""

from typing import Annotated

import typer

from contracts.envelope import Outcome
from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.errors import CommandError
from services.cli.layout import warn
from services.cli.posting import PAYLOAD_HELP, hand_over, ledgers_word, new_id, read_payload, said_of


def answer(
    query: Annotated[str, typer.Argument(metavar="ID", help="The query's id.")],
    *,
    outcome: Annotated[Outcome, typer.Option(help="What was found.")],
    reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why, with the outcomes partial and refused.")
    ] = None,
    payload: Annotated[str, typer.Option(metavar="JSON", help=f"{PAYLOAD_HELP} An answer may have a note.")] = "{}",
    id: Annotated[
        str | None, typer.Option(metavar="UUID", help="The answer's own id. The same again is not counted twice.")
    ] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Answer a query as the participant that received it, and print the answer's id.

    The query in the participant's inbox stays there until it is taken out (`huizhi inbox ADDRESS --take N`).
    """
    with API(data) as api:
        fields = {
            "id": new_id(id),
            "type": "answer",
            "correlation_id": query,
            "from": _recipient(api, query),
            "outcome": outcome.value,
            "reason": reason,
        }
        custody = hand_over(api, fields, read_payload(payload))
        word = ledgers_word(api, custody)
    if as_json:
        print_json({**custody, "state": word["state"] if word is not None else None})
        return
    typer.echo(custody["id"])
    warn(f"answer from {fields['from']}: {said_of(word, custody)}")


def _recipient(api: API, id: str) -> str:
    """The participant that a query reached. Raises CommandError where there is no such query, or nobody has it."""
    message = api.message(new_id(id))
    if message is None or message["state"] is None:
        raise CommandError(f"there is no query {id} on the ledger")
    if message["type"] != "query":
        raise CommandError(f"{id} is a{'n' if message['type'] == 'answer' else ''} {message['type']}, not a query")
    if message["recipient"] is None:
        why = f" ({message['parked_reason']})" if message["parked_reason"] else ""
        raise CommandError(f"query {id} is {message['state']}{why}: nobody has received it yet")
    return str(message["recipient"])
