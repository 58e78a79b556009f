"""A participant at work, on plain aio-pika and with a journal: what it means to send, what was confirmed, what came.

Every fact is on disk before the step that depends on it: an intent before the publish, a consumed message before its
ack. It belongs to nothing of the exchange, so that what it says can be held against what the exchange says.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import aio_pika
import httpx
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq import spec

from services.registry.participants import Credentials
from tests.faults.harness.instance import client
from tests.faults.harness.journal import Journal
from tests.faults.harness.messages import Message, answer

IN_FLIGHT = 100
_CONFIRM_SECONDS = 15.0
_RETRY_SECONDS = 0.2
_LONGEST_RETRY_SECONDS = 1.6
_CLOSE_SECONDS = 10.0

Answers = Callable[[str], bool]
"""Whether the query of this id is to be answered."""


def all_of_them(_query_id: str) -> bool:
    """Answer every query."""
    return True


def none_of_them(_query_id: str) -> bool:
    """Answer nothing."""
    return False


def nine_of_ten(query_id: str) -> bool:
    """Answer every query but about one in ten, always the same ones."""
    return int(query_id[:8], 16) % 10 != 0


class Party:
    """One participant. At most ``IN_FLIGHT`` of its messages wait for their confirm at a time."""

    def __init__(self, credentials: Credentials, journal: Path) -> None:
        self.address = credentials.address
        self.path = journal
        self.received: set[str] = set()
        self.reminded: set[str] = set()
        self._credentials = credentials
        self._journal = Journal(journal)
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._connecting = asyncio.Lock()
        self._answered: set[str] = set()
        self._reading: asyncio.Task[None] | None = None

    async def send(self, messages: Iterable[Message], *, per_second: float | None = None, retry: bool = True) -> int:
        """Publish over AMQP, at most ``per_second``; how many were confirmed.

        Without ``retry`` a message whose confirm did not come is left to its fate; with it, it is published again with
        the same id until it is confirmed.
        """
        return await self._in_chunks(messages, self._publish, per_second, retry=retry)

    async def post(
        self, messages: Iterable[Message], urls: Sequence[str], *, per_second: float | None = None, retry: bool = True
    ) -> int:
        """Post over HTTP to the gateways at ``urls`` in turn; otherwise as ``send``."""
        async with client() as http:
            turn = 0

            async def post(message: Message) -> bool:
                nonlocal turn
                turn += 1
                return await self._post(http, urls[turn % len(urls)], message)

            return await self._in_chunks(messages, post, per_second, retry=retry)

    def read(self, answers: Answers = nine_of_ten) -> None:
        """Consume the inbox from now on, in the background, and answer queries."""
        assert self._reading is None
        self._reading = asyncio.create_task(self._read(answers), name=f"inbox of {self.address}")

    async def stop_reading(self) -> None:
        """Close the inbox again; what was not acked comes anew."""
        if self._reading is not None:
            self._reading.cancel()
            # A broker that is gone or hangs answers no goodbye.
            await asyncio.wait((self._reading,), timeout=_CLOSE_SECONDS)
            self._reading = None

    async def close(self) -> None:
        """Go home."""
        await self.stop_reading()
        await self._hang_up()
        await self._journal.close()

    async def _in_chunks(
        self,
        messages: Iterable[Message],
        publish: Callable[[Message], "asyncio.Future[bool] | object"],
        per_second: float | None,
        *,
        retry: bool,
    ) -> int:
        rest, confirmed = iter(messages), 0
        size = IN_FLIGHT if per_second is None else max(1, min(IN_FLIGHT, int(per_second / 20)))
        loop = asyncio.get_running_loop()
        while chunk := list(islice(rest, size)):
            began = loop.time()
            await self._journal.write({"fact": "intent", **message.as_fact()} for message in chunk)
            pause = _RETRY_SECONDS
            while chunk:
                done = await asyncio.gather(*(publish(message) for message in chunk))  # type: ignore[call-overload]
                taken = [message for message, confirm in zip(chunk, done, strict=True) if confirm]
                await self._journal.write({"fact": "confirm", "id": message.id} for message in taken)
                confirmed += len(taken)
                chunk = [message for message, confirm in zip(chunk, done, strict=True) if not confirm]
                if not retry:
                    break
                if chunk:
                    # An exchange that takes nothing is not asked all the time, and not twice over one connection: the
                    # channel may be the one that refuses, where the queue would not.
                    pause = _RETRY_SECONDS if taken else min(2 * pause, _LONGEST_RETRY_SECONDS)
                    if not taken:
                        await self._hang_up()
                    await asyncio.sleep(pause)
            if per_second is not None:
                await asyncio.sleep(max(0.0, began + size / per_second - loop.time()))
        return confirmed

    async def _publish(self, message: Message) -> bool:
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS):
                channel = await self._open()
                exchange = await channel.get_exchange("ingress", ensure=False)
                confirm = await exchange.publish(message.as_amqp(self.address), message.type)
        except asyncio.CancelledError:
            # aiormq cancels what waits on a channel that dies; only a cancellation of this task's own is passed on.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return False
        except Exception:
            return False
        return isinstance(confirm, spec.Basic.Ack)

    async def _post(self, http: httpx.AsyncClient, url: str, message: Message) -> bool:
        headers = {"Authorization": f"Bearer {self._credentials.token}"}
        try:
            response = await http.post(f"{url}/v1/messages", json=message.as_http(), headers=headers)
        except httpx.TransportError:
            return False
        assert response.status_code in {202, 503}, f"{response.status_code} {response.text}"
        return response.status_code == httpx.codes.ACCEPTED

    async def _open(self) -> AbstractChannel:
        async with self._connecting:
            if self._channel is None or self._channel.is_closed:
                await self._close_connection()
                self._connection = await aio_pika.connect(self._credentials.amqp_url, timeout=5, heartbeat=10)
                self._channel = await self._connection.channel(on_return_raises=True)
            return self._channel

    async def _hang_up(self) -> None:
        async with self._connecting:
            await self._close_connection()

    async def _close_connection(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            # A broker that is gone or hangs answers no goodbye.
            with suppress(Exception):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await connection.close()

    async def _read(self, answers: Answers) -> None:
        while True:
            with suppress(Exception):
                await self._read_once(answers)
            await asyncio.sleep(_RETRY_SECONDS)

    async def _read_once(self, answers: Answers) -> None:
        news: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        async with await aio_pika.connect(self._credentials.amqp_url, timeout=5, heartbeat=10) as connection:
            channel = await connection.channel()
            channel.close_callbacks.add(lambda *_: news.put_nowait(None))
            await channel.set_qos(prefetch_count=200)
            queue = await channel.get_queue(f"inbox.{self.address}", ensure=False)
            await queue.consume(news.put)
            while (first := await news.get()) is not None:
                batch = [first]
                while not news.empty() and (more := news.get_nowait()) is not None:
                    batch.append(more)
                await self._take(batch, answers)
                await batch[-1].ack(multiple=True)

    async def _take(self, batch: Sequence[AbstractIncomingMessage], answers: Answers) -> None:
        await self._journal.write(
            {"fact": "receipt", **json.loads(message.body)}
            if message.type == "receipt"
            else {
                "fact": "consumed",
                "id": message.message_id,
                "type": message.type,
                "correlation_id": message.correlation_id,
                "entry": message.headers.get("entry"),
                "again": bool(message.redelivered),
            }
            for message in batch
        )
        self.reminded |= {str(message.correlation_id) for message in batch if message.type == "reminder"}
        queries = [str(message.message_id) for message in batch if message.type == "query"]
        self.received |= {str(message.message_id) for message in batch if message.type != "receipt"}
        owed = [id for id in dict.fromkeys(queries) if id not in self._answered and answers(id)]
        # Answered before they are acked: a query whose answer is not in custody comes again.
        await self.send(map(answer, owed))
        self._answered |= set(owed)
