"""What the behaviour suite of the ports is made of: the implementations, one hop, and what the broker says of them."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import Callable
from dataclasses import dataclass

from aio_pika.abc import AbstractChannel

from services.runtime.amqp.broker import AioPikaBroker
from services.runtime.lane.broker import LaneBroker
from services.runtime.ports import BatchSource, Broker, Delivery

RABBITMQCTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"

OpenBroker = Callable[[str, float], Broker]

IMPLEMENTATIONS: dict[str, OpenBroker] = {
    "aio-pika": lambda url, confirm_timeout: AioPikaBroker(url, name="test", confirm_timeout=confirm_timeout),
    "lane": lambda url, confirm_timeout: LaneBroker(url, name="test", confirm_timeout=confirm_timeout),
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


async def declared_hop(admin: AbstractChannel) -> Hop:
    """A hop, declared in a fresh vhost."""
    await admin.declare_exchange("out", "direct", durable=True)
    made = Hop(admin)
    await made.add_queue("queue", "here")
    return made


async def take(source: BatchSource, count: int) -> list[Delivery]:
    """So many deliveries, batch after batch."""
    taken: list[Delivery] = []
    async with asyncio.timeout(30):
        while len(taken) < count:
            taken += await anext(source)
    return taken


class BrokerControl:
    """The broker's own command, ``rabbitmqctl``, for what only its operator can do."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    async def run(self, *arguments: str) -> str:
        """Run one command and return what it prints. Raises AssertionError with its errors when it fails."""
        process = await asyncio.create_subprocess_exec(
            RABBITMQCTL, "--quiet", *arguments, env=self._environment, stdout=PIPE, stderr=PIPE
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return output.decode()

    async def connection_names(self, vhost: str) -> set[str]:
        """The names under which the vhost's connections were opened."""
        listed = json.loads(await self.run("list_connections", "vhost", "client_properties", "--formatter", "json"))
        of_vhost = [one["client_properties"] for one in listed if one["vhost"] == vhost]
        return {str(value) for each in of_vhost for name, _, value in each if name == "connection_name"}

    async def channels(self, vhost: str) -> set[str]:
        """The processes of all channels in a vhost."""
        listed = json.loads(await self.run("list_channels", "--vhost", vhost, "pid", "--formatter", "json"))
        return {str(one["pid"]) for one in listed}

    async def close_all_connections(self, vhost: str) -> None:
        """Have the broker close the vhost's connections, as an operator would."""
        await self.run("close_all_connections", "--vhost", vhost, "closed by a test")
