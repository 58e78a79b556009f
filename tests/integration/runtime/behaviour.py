"""What the behaviour suite of the ports is made of: the implementations, one hop, and what the broker says of them."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from aio_pika.abc import AbstractChannel

from services.runtime.amqp.broker import AioPikaBroker
from services.runtime.ports import BatchSource, Broker, Delivery

OpenBroker = Callable[[str, float], Broker]

IMPLEMENTATIONS: dict[str, OpenBroker] = {
    "aio-pika": lambda url, confirm_timeout: AioPikaBroker(url, name="test", confirm_timeout=confirm_timeout),
}


@dataclass(frozen=True)
class Hop:
    """The exchange ``out`` and the quorum queue ``queue``, bound to it with the key ``here``."""

    channel: AbstractChannel

    async def waiting(self) -> int:
        """How many messages are in the queue and with no consumer."""
        queue = await self.channel.declare_queue("queue", passive=True)
        return queue.declaration_result.message_count or 0

    async def until_waiting(self, count: int) -> None:
        """Return when so many wait."""
        async with asyncio.timeout(20):
            while True:
                if await self.waiting() == count:
                    return
                await asyncio.sleep(0.02)

    async def add_queue(self, name: str, key: str, **arguments: str | int) -> None:
        """Declare another quorum queue and bind it."""
        queue = await self.channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum", **arguments})
        await queue.bind("out", routing_key=key)


async def take(source: BatchSource, count: int) -> list[Delivery]:
    """So many deliveries, batch after batch."""
    taken: list[Delivery] = []
    async with asyncio.timeout(30):
        while len(taken) < count:
            taken += await anext(source)
    return taken


async def close_connection(api: httpx.AsyncClient, name: str) -> None:
    """Have the broker close the connection of that name."""
    for connection in await until_connections(api, name, 1):
        (await api.delete(f"/api/connections/{connection}")).raise_for_status()


async def until_connections(api: httpx.AsyncClient, name: str, count: int) -> list[str]:
    """The broker's own names for the connections opened under ``name``, once there are so many; the API lags behind."""
    async with asyncio.timeout(30):
        while True:
            listed = (await api.get("/api/connections")).raise_for_status().json()
            found = [one["name"] for one in listed if one.get("user_provided_name") == name]
            if len(found) == count:
                return found
            await asyncio.sleep(0.2)
