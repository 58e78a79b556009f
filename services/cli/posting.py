"""Handing a message over for a participant, and hearing what the ledger says of it.

`huizhi send` posts what stands for itself; all that is about a query goes through `post_reply`.
"""

import json
import sys
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from contracts.envelope import MessageType
from services.cli.client import API
from services.cli.context import print_json
from services.cli.errors import CommandError
from services.cli.layout import warn

LEDGER_WITHIN_S = 10.0
LOOK_EVERY_S = 0.05
# What comes again with the same content leaves no trace on the ledger, so nothing but time tells it from what is late.
_AGAIN_WITHIN_S = 3.0

PAYLOAD_HELP = (
    "A JSON object, as the kind's schema says (`huizhi kind show KIND`); @FILE reads a file, - standard input."
)

QueryArgument = Annotated[str, typer.Argument(metavar="ID", help="The query's id.")]
OwnIdOption = Annotated[
    str | None,
    typer.Option("--id", metavar="UUID", help="The message's own id. The same again is not counted twice."),
]
ReasonOption = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Why: a coded reason (`not-in-charge`), `code: text`, or a text."),
]
YearOption = Annotated[
    int | None,
    typer.Option("--year", metavar="YEAR", help="The code in TO is as it was in this year; codes were given anew."),
]


class Party(StrEnum):
    """Whose message about a query it is, by the member of the query that names the participant."""

    RECIPIENT = "recipient"
    ASKER = "sender"


def post_reply(
    data: Path,
    query: str,
    party: Party,
    type: MessageType,
    said: Mapping[str, str | None],
    *,
    id: str | None,
    payload: str = "{}",
    as_json: bool,
) -> None:
    """Post what `party` says about a query, and print the message's id, or with `as_json` what the exchange says of it.

    Raises CommandError where there is no such query, or the exchange refuses what is said.
    """
    with API(data) as api:
        fields = {"id": new_id(id), "type": type.value, "correlation_id": new_id(query, "ID")}
        fields["from"] = _speaker(api, query, party)
        custody = hand_over(api, {**fields, **said}, read_payload(payload))
        word = ledgers_word(api, custody)
    if as_json:
        print_json({**custody, "state": word["state"] if word is not None else None})
        return
    typer.echo(custody["id"])
    warn(f"{type.value} from {fields['from']}: {said_of(word, custody)}")


def find_query(api: API, id: str) -> dict[str, Any]:
    """A query as the ledger has it. Raises CommandError where there is none."""
    message = api.message(new_id(id, "ID"))
    if message is None or message["state"] is None:
        raise CommandError(f"there is no query {id} on the ledger")
    if message["type"] != MessageType.QUERY:
        article = "an" if message["type"][0] in "ae" else "a"
        raise CommandError(f"{id} is {article} {message['type']}, not a query")
    return message


def read_payload(written: str) -> str:
    """The JSON text that `--payload` means: itself, a file's, or standard input's. Raises CommandError."""
    text, source = _text(written)
    try:
        json.loads(text)
    except ValueError as error:
        raise CommandError(f"{source} is not JSON: {error}") from error
    return text


def new_id(written: str | None, name: str = "--id") -> str:
    """The id of a message: the one that was given as `name`, or a new one. Raises CommandError."""
    try:
        return str(uuid.UUID(written)) if written else str(uuid.uuid4())
    except ValueError as error:
        raise CommandError(f"{name} is a UUID like {uuid.uuid4()}, not {written!r}") from error


def hand_over(api: API, fields: Mapping[str, str | None], payload: str) -> dict[str, Any]:
    """Post a message; what the gateway says once it is in custody. The payload goes out as it was written."""
    return api.post(body_of(fields, payload))


def body_of(fields: Mapping[str, str | None], payload: str) -> bytes:
    """A message as it is posted; members that are None are left out."""
    envelope = json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)
    return f'{envelope[:-1]}, "payload": {payload}}}'.encode()


def ledgers_word(api: API, custody: dict[str, Any]) -> dict[str, Any] | None:
    """The message as the ledger has it, within a few milliseconds as a rule; None where it says nothing in time.

    Raises CommandError where only the ledger could refuse it, for example an answer to a query that is closed.
    """
    arrived_at = datetime.fromisoformat(custody["arrived_at"])
    began = time.monotonic()
    while True:
        message = api.message(custody["id"])
        waited_s = time.monotonic() - began
        if message is not None:
            _raise_if_refused(message, arrived_at)
            if message["state"] is not None and (_arrived(message) == arrived_at or waited_s > _AGAIN_WITHIN_S):
                return message
        if waited_s > LEDGER_WITHIN_S:
            return None
        time.sleep(LOOK_EVERY_S)


def said_of(word: dict[str, Any] | None, custody: dict[str, Any]) -> str:
    """The ledger's word in one sentence."""
    if word is None:
        return f"in custody; the ledger has not recorded it yet, `huizhi show {custody['id']}` will tell"
    if _arrived(word) != datetime.fromisoformat(custody["arrived_at"]):
        return f"it was on the ledger already, as entry {word['entries'][0]['index']}; nothing was counted twice"
    return f"on the ledger as entry {word['entries'][0]['index']}"


def _speaker(api: API, id: str, party: Party) -> str:
    """The participant that speaks as `party` of a query. Raises CommandError where nobody does yet."""
    query = find_query(api, id)
    speaker = query[party]
    if speaker is None:
        why = f" ({query['parked_reason']})" if query["parked_reason"] else ""
        raise CommandError(f"query {id} is {query['state']}{why}: nobody has received it yet")
    return str(speaker)


def _raise_if_refused(message: dict[str, Any], arrived_at: datetime) -> None:
    for refusal in message["refusals"]:
        if _arrived(refusal) == arrived_at:
            raise CommandError(f"{refusal['title']}: {refusal['detail']}")


def _arrived(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(record["arrived_at"])


def _text(written: str) -> tuple[str, str]:
    try:
        if written == "-":
            return sys.stdin.read(), "standard input"
        if written.startswith("@"):
            return Path(written[1:]).read_text("utf-8"), written[1:]
    except OSError as error:
        raise CommandError(f"{written[1:]} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{written[1:] or 'standard input'} is not UTF-8") from error
    return written, "--payload"
