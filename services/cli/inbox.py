"""`huizhi inbox`: what lies in a participant's inbox, over AMQP with the administrator's account."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import aio_pika
import typer
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity

from contracts.addresses import AddressError, parse_address
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json, stack
from services.cli.errors import CommandError
from services.cli.layout import Clock
from services.runtime.topology import DELIVERY_LIMIT, INBOX, inbox_queue

# A quorum queue counts each look at a message as a delivery that failed, and takes the message away from its recipient
# after DELIVERY_LIMIT of them. From half of them on, a look puts a fresh copy at the end of the inbox and takes out
# the worn one.
RENEWED_FROM = DELIVERY_LIMIT // 2

_DELIVERY_COUNT = "x-delivery-count"
_SECONDS = 10.0
_SHOWN_HEADERS = (
    *("from", "to", "kind", "tier", "due", "urgency", "outcome", "reason"),
    *("timely", "useful", "forwarded_by", "step", "received_at", "entry"),
)


def inbox(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="The participant: 410102, or 410102.health.")],
    *,
    take: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Take so many messages out for good, once they are printed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Look at so many at most.")] = 20,
    payload: Annotated[bool, typer.Option("--payload", help="Show the payloads too. They hold personal data.")] = False,
    data: DataOption = DEFAULT_DATA,
    as_json: JSONOption = False,
) -> None:
    """Look at a participant's inbox, oldest first. The messages stay in it unless --take is given.

    While it is being looked at, what is shown is withheld from the participant's own consumer for a moment.
    """
    asyncio.run(_inbox(data, _checked(address), take, take or limit, with_payload=payload, as_json=as_json))


@dataclass(frozen=True, slots=True)
class _Opened:
    channel: AbstractChannel
    queue: AbstractQueue
    ready: int


async def _inbox(data: Path, address: str, take: int | None, count: int, *, with_payload: bool, as_json: bool) -> None:
    async with _open(data, address) as opened:
        messages = await _get(opened.queue, count)
        documents = [document(message, with_payload=with_payload) for message in messages]
        if as_json:
            print_json(documents)
        else:
            _print(documents, opened.ready, taken=take is not None)
        if take is not None and messages:
            await messages[-1].ack(multiple=True)
        else:
            await _renew(opened.channel, address, messages)


@asynccontextmanager
async def _open(data: Path, address: str) -> AsyncIterator[_Opened]:
    """The inbox over a connection of its own; what is not acknowledged when it closes stays in it."""
    url = stack(data).amqp_url
    try:
        async with await aio_pika.connect(url, timeout=_SECONDS) as connection:
            channel = await connection.channel(on_return_raises=True)
            queue = await channel.declare_queue(inbox_queue(address), passive=True, timeout=_SECONDS)
            yield _Opened(channel, queue, queue.declaration_result.message_count or 0)
    except ChannelNotFoundEntity:
        raise CommandError(
            f"{address} has no inbox: it is no participant; `huizhi participant list` lists those there are"
        ) from None
    except (AMQPError, OSError, TimeoutError) as error:
        raise CommandError(
            f"the broker does not answer ({type(error).__name__}: {error}); is the stack in {data} up?"
        ) from error


async def _get(queue: AbstractQueue, count: int) -> list[AbstractIncomingMessage]:
    messages: list[AbstractIncomingMessage] = []
    while len(messages) < count:
        message = await queue.get(fail=False, timeout=_SECONDS)
        if message is None:
            break
        messages.append(message)
    return messages


async def _renew(channel: AbstractChannel, address: str, messages: Sequence[AbstractIncomingMessage]) -> None:
    exchange = await channel.get_exchange(INBOX, ensure=False)
    for message in messages:
        if delivery_count(message) >= RENEWED_FROM:
            # Confirmed first and taken out second: when this is cut off, the message is there twice, not lost.
            await exchange.publish(fresh_copy(message), routing_key=address, timeout=_SECONDS)
            await message.ack()


def fresh_copy(message: AbstractIncomingMessage) -> aio_pika.Message:
    """The same message as when the router published it: with its properties, and without the broker's own header."""
    return aio_pika.Message(
        message.body,
        headers={name: value for name, value in message.headers.items() if name != _DELIVERY_COUNT},
        content_type=message.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        correlation_id=message.correlation_id,
        message_id=message.message_id,
        type=message.type,
    )


def delivery_count(message: AbstractIncomingMessage) -> int:
    """How often the message has come back unacknowledged."""
    count = message.headers.get(_DELIVERY_COUNT, 0)
    return count if isinstance(count, int) else 0


def document(message: AbstractIncomingMessage, *, with_payload: bool) -> dict[str, Any]:
    """A message of an inbox, under the contract's names."""
    headers = {name: message.headers[name] for name in _SHOWN_HEADERS if name in message.headers}
    shown: dict[str, Any] = {"id": message.message_id, "type": message.type, "correlation_id": message.correlation_id}
    shown |= {**headers, "content_type": message.content_type, "payload_bytes": len(message.body)}
    if message.type == "receipt":
        shown["receipt"] = _receipt_counts(message.body)
    if with_payload:
        shown["payload"] = _payload(message)
    return shown


def message_lines(shown: dict[str, Any], clock: Clock) -> list[str]:
    """A message of an inbox in a few lines."""
    if shown["type"] == "receipt":
        counts = ", ".join(f"{count} {what}" for what, count in shown["receipt"].items())
        lines = [f"receipt {shown['id']}", f"  {counts}"]
    else:
        lines = [
            f"{shown['type']} {shown['id']}",
            f"  from {shown.get('from') or 'the exchange'}, {_particulars(shown)}",
        ]
    if shown["correlation_id"]:
        lines.append(f"  {'answers' if shown['type'] == 'answer' else 'about query'} {shown['correlation_id']}")
    lines.append(f"  received {clock.moment(shown.get('received_at'))}, payload of {shown['payload_bytes']:,} bytes")
    if "payload" in shown:
        lines.append(f"  {json.dumps(shown['payload'], ensure_ascii=False)}")
    return lines


def _particulars(shown: dict[str, Any]) -> str:
    """What a message is about: plain words as they are, the others behind their names."""
    words = {"to": "to ", "kind": "", "tier": "", "urgency": "", "outcome": "", "step": "", "reason": "", "due": "due "}
    words |= {"forwarded_by": "forwarded by ", "timely": "timely ", "useful": "useful "}
    particulars = (f"{word}{shown[name]}" if shown.get(name) else "" for name, word in words.items())
    return ", ".join(particular for particular in particulars if particular)


def _print(documents: Sequence[dict[str, Any]], ready: int, *, taken: bool) -> None:
    clock = Clock.of_settings()
    for one in documents:
        for line in message_lines(one, clock):
            typer.echo(line)
    shown = f"{len(documents)} of {ready}" if ready > len(documents) else str(len(documents))
    what = "message" if shown == "1" else "messages"
    typer.echo(f"{shown} {what}, {'taken out of the inbox' if taken else 'still in the inbox'}")
    if documents:
        typer.echo(f"Times are in {clock.zone}.")


def _receipt_counts(body: bytes) -> dict[str, int]:
    try:
        receipt = json.loads(body)
        return {what: len(receipt[what]) for what in ("accepted", "duplicate", "refused")}
    except (ValueError, KeyError, TypeError):
        return {}


def _payload(message: AbstractIncomingMessage) -> object:
    text = message.body.decode(errors="replace")
    try:
        return json.loads(text) if message.content_type == "application/json" else text
    except ValueError:
        return text


def _checked(address: str) -> str:
    try:
        return str(parse_address(address))
    except AddressError as error:
        raise CommandError(str(error)) from error
