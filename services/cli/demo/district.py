"""The district: answers every query of the demonstration that comes into its inbox, but for the ones left open."""

import json
from collections.abc import Collection

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from services.cli.demo.account import Account, open_channel
from services.cli.demo.inbox import payload_of, read_inbox
from services.cli.demo.origins import INGRESS, publish
from services.cli.demo.script import Answer, answer_to, is_of_the_demonstration

AT_ONCE = 16


async def answer_queries(account: Account, left_open: Collection[str]) -> None:
    """Answer until cancelled. Raises WayLostError.

    A query is taken out of the inbox once its answer is in custody, so a crash in between answers it twice: under the
    same id, which counts once.
    """
    async with open_channel(account, "answers") as channel:
        ingress = await channel.get_exchange(INGRESS, ensure=False)

        async def handle(message: AbstractIncomingMessage) -> bool:
            if message.type == "receipt":
                return True
            if not is_of_the_demonstration(payload_of(message)):
                return False
            if message.type == "query" and message.message_id and message.message_id not in left_open:
                await publish(ingress, answer_message(account, answer_to(message.message_id)))
            return True

        await read_inbox(account, handle, workers=AT_ONCE)


def answer_message(account: Account, answer: Answer) -> aio_pika.Message:
    """An answer as design section 4 writes it."""
    headers: dict[str, aio_pika.abc.FieldValue] = {"outcome": answer.outcome.value}
    if answer.reason is not None:
        headers["reason"] = answer.reason
    return aio_pika.Message(
        json.dumps(answer.payload, ensure_ascii=False).encode(),
        message_id=answer.id,
        correlation_id=answer.query,
        type="answer",
        user_id=account.address,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers=headers,
    )
