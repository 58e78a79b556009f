"""Participants as good integrators write them: whatever is restarted, they connect again and go on.

A publish whose confirm did not come is published again with the same id; a message is acked once its answer is
confirmed.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import aio_pika
import aio_pika.exceptions
import aiormq.exceptions
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from tests.acceptance.drafts import MARKER
from tests.acceptance.participant import Participant
from tests.acceptance.waiting import until

IN_FLIGHT = 50
CONFIRM_SECONDS = 10.0
PAUSE_SECONDS = 0.3
ROOM_WITHIN_S = 240.0

AWAY = (OSError, TimeoutError, RuntimeError, aio_pika.exceptions.AMQPError, aiormq.exceptions.AMQPError)
"""What a client of the broker may see of a broker that is being restarted."""

_ANSWERS = uuid.UUID("5b0c1c1e-7a53-5d5e-9a55-0f6b1c9e2a71")


def answer_id(query_id: str) -> str:
    """The id of the one answer to a query: the same however often the query comes."""
    return str(uuid.uuid5(_ANSWERS, query_id))


class Flow:
    """How far posters may run ahead of the one who answers."""

    def __init__(self, ahead: int, dealt_with: Callable[[], int]) -> None:
        self._ahead = ahead
        self._dealt_with = dealt_with
        self._posted = 0

    async def take_room(self, count: int) -> None:
        """Wait until so many more may be posted."""
        await until("there is room", lambda: self._posted - self._dealt_with() <= self._ahead, within_s=ROOM_WITHIN_S)
        self._posted += count


async def post_all(participant: Participant, drafts: Sequence[Mapping[str, Any]], flow: Flow) -> None:
    """Publish all drafts, each until it is confirmed."""
    for start in range(0, len(drafts), IN_FLIGHT):
        chunk = drafts[start : start + IN_FLIGHT]
        await flow.take_room(len(chunk))
        await until("a chunk is confirmed", partial(_is_posted, participant, chunk), within_s=ROOM_WITHIN_S)


async def _is_posted(participant: Participant, chunk: Sequence[Mapping[str, Any]]) -> bool:
    with _outages():
        async with _channel(participant) as channel:
            await asyncio.gather(*(_publish(channel, participant, draft) for draft in chunk))
        return True
    return False


class Answering:
    """Reads an inbox and answers its queries, all but those in ``leave``."""

    def __init__(self, participant: Participant, leave: Collection[str]) -> None:
        self._participant = participant
        self._leave = leave
        self.received: Counter[str] = Counter()
        self.answered: set[str] = set()

    async def work(self) -> None:
        """Go on until cancelled."""
        while True:
            with _outages():
                async with _channel(self._participant) as channel:
                    await self._read(channel)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _read(self, channel: AbstractChannel) -> None:
        over = asyncio.Event()
        channel.close_callbacks.add(lambda *_: over.set())

        async def take(message: AbstractIncomingMessage) -> None:
            with _outages():
                await self._deal_with(channel, message)
                return
            over.set()

        await channel.set_qos(prefetch_count=IN_FLIGHT)
        inbox = await channel.get_queue(f"inbox.{self._participant.address}", ensure=False)
        await inbox.consume(take)
        await over.wait()

    async def _deal_with(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        id = str(message.message_id)
        if message.type == "query":
            self.received[id] += 1
            if id not in self._leave:
                reply = {"id": answer_id(id), "type": "answer", "correlation_id": id, "outcome": "confirmed"}
                await _publish(channel, self._participant, reply)
                self.answered.add(id)
        await message.ack()


@contextmanager
def _outages() -> Iterator[None]:
    """Let nothing out that a client sees of a broker that is being restarted.

    aiormq rejects what waits on a dying channel even with CancelledError, without anyone having cancelled, and may make
    an error of its own out of a cancellation.
    """
    try:
        yield
    except (asyncio.CancelledError, *AWAY) as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise asyncio.CancelledError from error


@asynccontextmanager
async def _channel(participant: Participant) -> AsyncIterator[AbstractChannel]:
    async with asyncio.timeout(CONFIRM_SECONDS):
        connection = await aio_pika.connect(participant.amqp_url)
    async with connection:
        yield await connection.channel()


async def _publish(channel: AbstractChannel, participant: Participant, draft: Mapping[str, Any]) -> None:
    """Publish as the integrator's guide shows it, and return when the broker has it."""
    headers = {name: draft[name] for name in ("to", "kind", "outcome") if name in draft}
    body = f'{{"note": "{MARKER}"}}'.encode()
    message = aio_pika.Message(
        draft.get("payload", body),
        message_id=draft["id"],
        type=draft["type"],
        correlation_id=draft.get("correlation_id"),
        user_id=participant.address,
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        headers=headers,
    )
    ingress = await channel.get_exchange("ingress", ensure=False)
    await ingress.publish(message, routing_key=draft["type"], timeout=CONFIRM_SECONDS)
