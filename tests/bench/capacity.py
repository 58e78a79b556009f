"""How many queries a second an exchange takes from ``ingress`` to its inboxes, with the settings it is shipped with.

The queries wait at the door before the services start, so that nobody's publishing is measured. What is timed begins
when a tenth of them are in their inboxes, and ends with the last.
"""

import asyncio
import time
import uuid
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import aio_pika

from services.ledger.settings import LedgerSettings
from services.router.settings import RouterSettings
from services.runtime.settings import BatchSettings
from services.runtime.topology import QueueLimits
from tests.acceptance.waiting import until
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack, fault_stack

QUERIES = 40_000
PAYLOAD_BYTES = 512
SENDER = "110101"
RECIPIENTS = ("410102", "410103", "410104", "410105", "410106", "410202")

_IN_FLIGHT = 500
_HEAD_START = 0.1
_LIMITS = QueueLimits(internal_bytes=1024**3, inbox_bytes=256 * 1024**2)


def shipped() -> dict[str, str]:
    """The settings as they are shipped, which the harness of the fault tests makes smaller."""
    batch, ledger, router = BatchSettings(), LedgerSettings(), RouterSettings()
    return {
        "HUIZHI_BATCH_SIZE": str(batch.size),
        "HUIZHI_PREFETCH": str(batch.prefetch),
        "HUIZHI_LEDGER_BATCHES_AT_ONCE": str(ledger.batches_at_once),
        "HUIZHI_LEDGER_PREFETCH": str(ledger.prefetch),
        "HUIZHI_ROUTER_PREFETCH": str(router.prefetch),
        "HUIZHI_DATABASE_POOL_SIZE": "8",
    }


async def capacity(servers: Servers, directory: Path, ledger: Sequence[str] = ("-m",), queries: int = QUERIES) -> float:
    """Queries a second. ``ledger`` is how a ledger is run: ``python *ledger services.ledger``."""
    async with fault_stack(
        servers, directory, participants=(SENDER, *RECIPIENTS), settings=shipped(), limits=_LIMITS
    ) as stack:
        stack["ledger"].launcher = (*ledger, "services.ledger")
        await _publish(stack, queries)
        await stack.start()
        started = await _when(stack, int(_HEAD_START * queries))
        ended = await _when(stack, queries)
        return (ended[1] - started[1]) / (ended[0] - started[0])


async def _publish(stack: FaultStack, queries: int) -> None:
    recipients, payload = cycle(RECIPIENTS), b'{"subject": "%s"}' % (b"x" * (PAYLOAD_BYTES - 15))
    async with await aio_pika.connect(stack.participants[SENDER].amqp_url) as connection:
        channel = await connection.channel()
        ingress = await channel.get_exchange("ingress", ensure=False)

        async def publish(to: str) -> None:
            message = aio_pika.Message(
                payload,
                message_id=str(uuid.uuid4()),
                type="query",
                user_id=SENDER,
                content_type="application/json",
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                headers={"to": to, "kind": "case.assist"},
            )
            await ingress.publish(message, routing_key="query")

        for start in range(0, queries, _IN_FLIGHT):
            await asyncio.gather(*(publish(next(recipients)) for _ in range(min(_IN_FLIGHT, queries - start))))


async def _when(stack: FaultStack, wanted: int) -> tuple[float, int]:
    """The moment when so many are dispatched, and how many there were then."""
    seen = 0

    async with stack.database() as connection:

        async def are_there() -> bool:
            nonlocal seen
            seen = int(await connection.fetchval("SELECT count(*) FROM message WHERE state = 'dispatched'"))
            return seen >= wanted

        await until(f"{wanted} queries are dispatched", are_there, within_s=300)
    return time.monotonic(), seen
