"""A place of origin: publishes its queries with confirms, and reads the answers."""

import json
from collections.abc import Sequence

import aio_pika
from aio_pika.abc import AbstractExchange, AbstractIncomingMessage
from pamqp.commands import Basic

from services.cli.demo.account import ANSWER_WITHIN_S, Account, WayLostError, open_channel
from services.cli.demo.cast import DISTRICT
from services.cli.demo.inbox import payload_of, read_inbox
from services.cli.demo.script import Query, Script, is_of_the_demonstration
from services.cli.demo.tally import Tally

INGRESS = "ingress"


async def send_queries(account: Account, queries: Sequence[Query], tally: Tally) -> None:
    """Publish what is not yet in custody, in order. Raises WayLostError; doing it again goes on from there.

    A query whose confirm was lost is published again under the same id, which the exchange does not count twice.
    """
    waiting = [query for query in queries if query.id not in tally.in_custody]
    if not waiting:
        return
    async with open_channel(account, "sends") as channel:
        ingress = await channel.get_exchange(INGRESS, ensure=False)
        for query in waiting:
            tally.sent.add(query.id)
            await publish(ingress, query_message(account, query))
            tally.in_custody.add(query.id)


async def read_answers(account: Account, script: Script, tally: Tally) -> None:
    """Take answers and receipts out of the origin's inbox until cancelled. Raises WayLostError."""

    async def handle(message: AbstractIncomingMessage) -> bool:
        if message.type == "receipt":
            tally.note_refusals(payload_of(message), script.queries)
            return True
        if message.correlation_id is not None and message.correlation_id in script.queries:
            tally.back.add(message.correlation_id)
        return is_of_the_demonstration(payload_of(message))

    await read_inbox(account, handle, workers=1)


async def publish(ingress: AbstractExchange, message: aio_pika.Message) -> None:
    """Publish one message; when this returns, the exchange has it on disk. Raises WayLostError, or what aio-pika
    raises.
    """
    confirmation = await ingress.publish(
        message, routing_key=message.type or "", mandatory=True, timeout=ANSWER_WITHIN_S
    )
    if not isinstance(confirmation, Basic.Ack):
        raise WayLostError(f"the broker did not confirm message {message.message_id}")


def query_message(account: Account, query: Query) -> aio_pika.Message:
    """A query as design section 4 writes it."""
    return aio_pika.Message(
        json.dumps(query.payload, ensure_ascii=False).encode(),
        message_id=query.id,
        type="query",
        user_id=account.address,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers={"to": DISTRICT, "kind": query.kind},
    )
