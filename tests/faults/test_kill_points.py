"""``kill -9`` exactly at each step of a message's way (design section 3), under load; then everything must agree."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import aio_pika
import pytest
import pytest_asyncio

from contracts.batch import Orders, Remind, encode
from tests.faults.harness.bench import Bench
from tests.faults.harness.messages import forward
from tests.faults.harness.oracle import queries
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack

pytestmark = pytest.mark.asyncio(loop_scope="module")

KILLED = -9
QUERIES = 120

POINTS = [
    ("gateway", "taken.ingress", 4),
    ("gateway", "gateway.admitted", 4),
    ("gateway", "published.ledger", 4),
    ("gateway", "gateway.handed-on", 4),
    ("gateway", "acked.ingress", 4),
    ("gateway", "gateway.posted", 2),
    ("ledger", "taken.ledger", 4),
    ("ledger", "ledger.decided", 6),
    ("ledger", "ledger.before-commit", 6),
    ("ledger", "ledger.committed", 6),
    ("ledger", "published.dispatch", 4),
    ("ledger", "ledger.handed-over", 4),
    ("ledger", "acked.ledger", 4),
    ("ledger", "taken.reports", 3),
    ("ledger", "acked.reports", 3),
    ("router", "taken.dispatch", 4),
    ("router", "published.inbox", 90),
    ("router", "router.placed", 4),
    ("router", "published.reports", 4),
    ("router", "router.reported", 4),
    ("router", "acked.dispatch", 4),
]

PARKING_POINTS = [
    ("published.parking", 5, "410103"),
    ("router.parked", 2, "410104"),
    ("router.swept", 1, "410105"),
    ("acked.dispatch", 2, "410106"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """The exchange that is killed here, piece by piece."""
    bench = Bench(servers, lambda: tmp_path_factory.mktemp("kill-points"))
    yield bench
    await bench.close()


@pytest.mark.parametrize(("service", "point", "count"), POINTS, ids=[point for _, point, _ in POINTS])
async def test_a_service_killed_at_a_step_loses_nothing_and_counts_nothing_twice(
    bench: Bench, service: str, point: str, count: int
) -> None:
    stack, parties = await bench.take()
    await stack[service].terminate()
    marker = stack.arm(service, point, count)
    await stack[service].restart()

    posting = asyncio.create_task(parties["410102"].post(queries(30, "110101"), stack.gateway_urls))
    await parties["110101"].send(queries(QUERIES, "410102", "410202"))
    assert await stack[service].died() == KILLED
    assert marker.exists()
    premature = await parties.premature()
    await stack[service].restart()
    await posting
    verdict = await parties.verdict()

    assert verdict.clean, verdict
    assert not premature
    assert verdict.confirmed == verdict.attempted == verdict.delivered
    bench.whole(stack, parties)


@pytest.mark.parametrize("point", ["ledger.before-commit", "ledger.committed", "ledger.handed-over"])
async def test_a_ledger_killed_at_a_forward_hands_every_query_on_once(bench: Bench, point: str) -> None:
    stack, parties = await bench.take()
    await parties["410102"].stop_reading()
    parties["410102"].read(lambda _id: False)
    asked = queries(60, "410102")
    await parties["110101"].send(asked)
    await parties.settle()
    await stack["ledger"].terminate()
    stack.arm("ledger", point, 2)
    await stack["ledger"].restart()

    await parties["410102"].send([forward(one.id, "410202") for one in asked])
    assert await stack["ledger"].died() == KILLED
    await stack["ledger"].restart()
    verdict = await parties.verdict()

    assert verdict.clean, verdict
    assert verdict.confirmed == verdict.attempted == verdict.delivered
    assert {one.id for one in asked} <= parties["410202"].received
    await parties["410102"].stop_reading()
    parties["410102"].read()
    bench.whole(stack, parties)


@pytest.mark.parametrize("point", ["ledger.before-commit", "ledger.committed", "ledger.handed-over"])
async def test_a_ledger_killed_at_an_order_reminds_every_recipient_once(bench: Bench, point: str) -> None:
    stack, parties = await bench.take()
    await parties["410202"].stop_reading()
    parties["410202"].read(lambda _id: False)
    asked = queries(40, "410202")
    await parties["110101"].send(asked)
    await parties.settle()
    await stack["ledger"].terminate()
    stack.arm("ledger", point, 1)
    await stack["ledger"].restart()

    await remind(stack, [one.id for one in asked])
    assert await stack["ledger"].died() == KILLED
    await stack["ledger"].restart()
    async with asyncio.timeout(90):
        while {one.id for one in asked} - parties["410202"].reminded:  # noqa: ASYNC110 - other processes fill it.
            await asyncio.sleep(0.1)
    verdict = await parties.verdict()

    assert verdict.clean, verdict
    await parties["410202"].stop_reading()
    parties["410202"].read()
    bench.whole(stack, parties)


async def remind(stack: FaultStack, ids: list[str]) -> None:
    """Order reminders by hand, as whoever gives orders to the ledger does."""
    given = Orders(uuid4(), [Remind(UUID(id), by="test", reason="other") for id in ids])
    async with await aio_pika.connect(stack.platform.amqp_url) as connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange("ledger", ensure=False)
        body = aio_pika.Message(encode(given), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await exchange.publish(body, routing_key="")


@pytest.mark.parametrize(("point", "count", "late"), PARKING_POINTS, ids=[point for point, _, _ in PARKING_POINTS])
async def test_a_router_killed_while_it_parks_or_sweeps_loses_nothing(
    bench: Bench, point: str, count: int, late: str
) -> None:
    stack, parties = await bench.take()
    await stack["router"].terminate()
    stack.arm("router", point, count)
    await stack["router"].restart()

    # Nobody serves this address yet, nor anything above it.
    await parties["110101"].send(queries(60, late, "410102"))
    assert await stack["router"].died() == KILLED
    await stack["router"].restart()
    parked = await parties.verdict()
    await stack.add(late)
    parties.party(late).read()
    await parties["110101"].send(queries(10, late))
    verdict = await parties.verdict(parked=False)

    assert parked.clean, parked
    assert len(parked.parked) == 30
    assert verdict.clean, verdict
    assert verdict.confirmed == verdict.attempted == verdict.delivered
    bench.whole(stack, parties)
