"""A participant at work: with nothing but what ``huizhi participant add`` gave it, over AMQP and over HTTP."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aio_pika
import httpx
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aiormq import spec

from tests.acceptance.drafts import as_amqp, as_http
from tests.acceptance.waiting import until

IN_FLIGHT = 200
"""So many publishes wait for their confirms at a time."""


@dataclass(frozen=True, slots=True)
class Participant:
    """What a participant is given."""

    address: str
    amqp_url: str = field(repr=False)
    token: str = field(repr=False)


@dataclass(slots=True)
class Inbox:
    """What has come so far: messages by id, and the receipts taken together."""

    messages: dict[str, list[AbstractIncomingMessage]] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    duplicate: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)

    def take(self, message: AbstractIncomingMessage) -> None:
        """File a message."""
        if message.type != "receipt":
            self.messages.setdefault(str(message.message_id), []).append(message)
            return
        receipt = json.loads(message.body)
        self.accepted |= {one["id"]: one["entry"] for one in receipt["accepted"]}
        self.duplicate.update(receipt["duplicate"])
        self.refused += [(one["id"], one["problem"]) for one in receipt["refused"]]

    def has(self, ids: Iterable[str]) -> bool:
        """Whether all of ``ids`` have come."""
        return all(id in self.messages for id in ids)


class Desk:
    """A participant's own connection to the broker, and its token at the gateway."""

    def __init__(self, participant: Participant, channel: AbstractChannel, http: httpx.AsyncClient) -> None:
        self.participant = participant
        self.inbox = Inbox()
        self._channel = channel
        self._http = http

    @property
    def address(self) -> str:
        """Its address."""
        return self.participant.address

    async def publish(self, draft: Mapping[str, Any]) -> None:
        """Publish one draft, with the account as ``user_id`` unless the draft has one, and wait for the confirm.

        Raises what aio-pika and aiormq raise.
        """
        routing_key, properties, body = as_amqp({"user_id": self.address} | dict(draft))
        channel = await self._channel.get_underlay_channel()
        confirm = await channel.basic_publish(body, exchange="ingress", routing_key=routing_key, properties=properties)
        assert isinstance(confirm, spec.Basic.Ack)

    async def publish_all(self, drafts: Iterable[Mapping[str, Any]]) -> None:
        """Publish many, in order, with a bounded number of confirms open."""
        slots = asyncio.Semaphore(IN_FLIGHT)

        async def publish(draft: Mapping[str, Any]) -> None:
            try:
                await self.publish(draft)
            finally:
                slots.release()

        async with asyncio.TaskGroup() as publishing:
            for draft in drafts:
                await slots.acquire()
                publishing.create_task(publish(draft))

    async def post(self, draft: Mapping[str, Any], token: str | None = None) -> httpx.Response:
        """Post one draft to the gateway, with the participant's token or another."""
        headers = {"Authorization": f"Bearer {self.participant.token if token is None else token}"}
        return await self._http.post("/v1/messages", content=as_http(draft), headers=headers)

    async def receives(self, *ids: str, within_s: float = 60) -> AbstractIncomingMessage:
        """Wait until all of ``ids`` are in the inbox; the first copy of the last of them."""
        await until(f"{self.address} receives {len(ids)} messages", lambda: self.inbox.has(ids), within_s=within_s)
        return self.inbox.messages[ids[-1]][0]

    async def accepted(self, *ids: str) -> None:
        """Wait until receipts have said that all of ``ids`` are on the ledger."""
        await until(f"receipts to {self.address}", lambda: self.inbox.accepted.keys() >= set(ids))

    async def read_inbox(self) -> None:
        """Take whatever comes into the inbox from now on."""

        async def take(message: AbstractIncomingMessage) -> None:
            self.inbox.take(message)
            await message.ack()

        await self._channel.set_qos(prefetch_count=500)
        queue = await self._channel.get_queue(f"inbox.{self.address}", ensure=False)
        await queue.consume(take)


@asynccontextmanager
async def at_work(participant: Participant, http: httpx.AsyncClient, *, reading: bool = True) -> AsyncIterator[Desk]:
    """A participant that is connected and, unless ``reading`` is False, reads its inbox."""
    async with await aio_pika.connect(participant.amqp_url) as connection:
        desk = Desk(participant, await connection.channel(), http)
        if reading:
            await desk.read_inbox()
        yield desk
