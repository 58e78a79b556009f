"""The ceiling: what the broker itself does with two hops, each a quorum queue, and nothing in between but a relay in C.

A publisher, a relay and a reader run at the same time. The relay acks a message when the second queue has confirmed it,
which is the least that anybody can do who must not lose one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aio_pika

from services.cli.stack.broker_settings import ADMINISTRATOR
from tests.bench.amqpload import PAYLOAD_BYTES, running
from tests.bench.measuring import Series, in_turns
from tests.bench.saying import say
from tests.bench.throughput import Round
from tests.bench.usage import Meter, server_pids
from tests.faults.harness.instance import client
from tests.faults.harness.servers import Servers

VHOST = "bench-ceiling"
_FIRST, _LAST = "first", "last"


@dataclass(frozen=True, slots=True)
class RawHops:
    """Two quorum queues and a relay between them. ``amqp_url`` is the administrator's, with the vhost."""

    amqp_url: str
    processes: Mapping[str, int]

    async def pass_through(self, count: int, rate: float | None = None, delays: Path | None = None) -> Round:
        """Publish so many, relay and drain them; at ``rate`` a second or as fast as it goes."""
        meter = Meter(self.processes)
        async with (
            running("drain", self.amqp_url, count=count, from_=_LAST, delays=str(delays) if delays else None) as drain,
            running("relay", self.amqp_url, count=count, from_=_FIRST, queue=_LAST) as relay,
            running("publish", self.amqp_url, count=count, key=_FIRST, size=PAYLOAD_BYTES, rate=rate) as publish,
        ):
            published, passed, read = [await one.done() for one in (publish, relay, drain)]
        return Round.of(published, read, [passed], meter.used())

    async def pile_up(self, count: int) -> None:
        """Publish so many and leave them in the first queue."""
        async with running("publish", self.amqp_url, count=count, key=_FIRST, size=PAYLOAD_BYTES) as publish:
            await publish.done()


async def beside_the_ceiling(
    hops: RawHops, count: int, name: str, ours: Callable[[], Awaitable[Round]]
) -> tuple[Series, Series]:
    """What ``ours`` does a second, and in turns with it how many messages the raw hops, ``count`` of them a round."""

    async def measured() -> float:
        value = (await ours()).per_second
        say(f"{name}: {value:,.0f}/s")
        return value

    async def ceiling() -> float:
        value = (await hops.pass_through(count)).per_second
        say(f"ceiling: {value:,.0f} messages/s")
        return value

    both = await in_turns({"ceiling": ceiling, "ours": measured})
    return both["ours"], both["ceiling"]


@asynccontextmanager
async def raw_hops(servers: Servers) -> AsyncIterator[RawHops]:
    """In a vhost of their own, gone afterwards."""
    vhost = f"/api/vhosts/{VHOST}"
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    async with client(base_url=servers.broker.api_url) as api:
        (await api.put(vhost)).raise_for_status()
        try:
            (await api.put(f"/api/permissions/{VHOST}/{ADMINISTRATOR}", json=everything)).raise_for_status()
            url = servers.broker.amqp_url(quote(VHOST, safe=""))
            async with await aio_pika.connect(url) as connection:
                channel = await connection.channel()
                for name in (_FIRST, _LAST):
                    await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
            yield RawHops(url, server_pids(servers))
        finally:
            (await api.delete(vhost)).raise_for_status()
