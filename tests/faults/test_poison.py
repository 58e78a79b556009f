"""Poison: what its consumer dies of every time ends set aside and listed, and whatever is innocent goes on."""

import time
import uuid
from pathlib import Path

import aio_pika
import pytest

from services.runtime.topology import DELIVERY_LIMIT
from tests.faults.broken import POISON
from tests.faults.harness.ledger_view import set_aside
from tests.faults.harness.messages import query
from tests.faults.harness.oracle import oracle, queries
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack, fault_stack

POISONED = ("-m", "tests.faults.broken", "poisoned,restarted")
INNOCENT = 60


@pytest.mark.parametrize(
    ("service", "poisons", "point"),
    [
        pytest.param("gateway", 1, None, marks=pytest.mark.long),
        ("ledger", 1, "quarantine.split"),
        pytest.param("ledger", 2, None, marks=pytest.mark.long),
        pytest.param("router", 1, "quarantine.split", marks=pytest.mark.long),
    ],
    ids=["gateway", "ledger, killed at the split", "ledger, twice", "router, killed at the split"],
)
async def test_what_kills_its_consumer_is_set_aside_after_a_bounded_number_of_tries_and_takes_nothing_with_it(
    servers: Servers, tmp_path: Path, service: str, poisons: int, point: str | None
) -> None:
    async with (
        fault_stack(servers, tmp_path / "stack", settings={"HUIZHI_POISONED": service}) as stack,
        oracle(stack, tmp_path / "oracle") as parties,
    ):
        stack[service].launcher = (*POISONED, f"services.{service}")
        if point is not None:
            stack.arm(service, point)
        await stack.start()
        parties.read_all()
        poison = [query("410102", note=POISON.decode()) for _ in range(poisons)]
        began = time.monotonic()
        for one in poison:
            innocent = queries(INNOCENT, "410102", "410202")
            await parties["110101"].send([*innocent[:25], one, *innocent[25:]])
        verdict = await parties.verdict(poison=[one.id for one in poison])
        seconds = time.monotonic() - began
        lives = stack[service].said("life_ended")
        listed = await set_aside(stack)

    print(f"{service}: {poisons} poisonous, {lives} lives, {seconds:.1f} s")
    assert verdict.clean, verdict
    assert {item["message_id"] for item in listed} == {one.id for one in poison}
    assert len(listed) == poisons
    assert all(item["queue"].startswith("quarantine.") for item in listed)
    # Each once in its queue, where it takes others with it, and once by itself; and twice by itself where a split was
    # done twice.
    rounds = 2 if point is None else 3
    assert lives <= rounds * (DELIVERY_LIMIT + 1) * poisons + 1


async def test_a_ledger_killed_while_it_sets_something_aside_lists_it_once(servers: Servers, tmp_path: Path) -> None:
    async with fault_stack(servers, tmp_path / "stack") as stack, oracle(stack, tmp_path / "oracle") as parties:
        parties.read_all()
        await stack.start("gateway", "router")
        id = await publish_garbage(stack)
        for point in ("ledger.kept", "ledger.listed"):
            stack.arm("ledger", point)
            await stack["ledger"].start()
            assert await stack["ledger"].died() == -9
        await stack.start("ledger")
        await parties["110101"].send(queries(INNOCENT, "410102"))
        verdict = await parties.verdict(poison=[id])
        listed = await set_aside(stack)

    assert verdict.clean, verdict
    assert [item["queue"] for item in listed] == ["ledger"]


async def publish_garbage(stack: FaultStack) -> str:
    """Put what is no batch into the ledger's queue; its id."""
    garbage = aio_pika.Message(b"garbage", message_id=str(uuid.uuid4()), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    async with await aio_pika.connect(stack.platform.amqp_url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange("ledger", ensure=False)
        await exchange.publish(garbage, "")
    return str(garbage.message_id)
