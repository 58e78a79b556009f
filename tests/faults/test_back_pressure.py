"""Back-pressure: while something is away its senders are slowed, memory stays bounded, and all drains afterwards.

``HUIZHI_TEST_OUTAGE_S`` is how long something stays away, a few seconds by default; the figures of ten minutes are in
docs/guarantees.md.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from services.runtime.topology import QueueLimits
from tests.acceptance.waiting import until
from tests.faults.harness.ledger_view import states
from tests.faults.harness.memory import Memory
from tests.faults.harness.oracle import Oracle, oracle, queries
from tests.faults.harness.party import none_of_them
from tests.faults.harness.proxy import Proxy, proxied
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack, fault_stack

OUTAGE_S = float(os.environ.get("HUIZHI_TEST_OUTAGE_S", "5"))
STANDSTILL_S = 2.0

MIB = 1024**2
LIMITS = QueueLimits(internal_bytes=4 * MIB, inbox_bytes=2 * MIB)
NOTE = "x" * 16 * 1024
OFFERED = 3000
"""48 MiB of notes: more than all queues take, and more than a service that hoarded them could hide."""
MOST_GROWTH_MIB = 32.0

SETTINGS = {"HUIZHI_BATCH_SIZE": "100", "HUIZHI_PREFETCH": "200"}


@asynccontextmanager
async def narrow_exchange(
    servers: Servers, directory: Path, hoarder: str | None = None
) -> AsyncIterator[tuple[FaultStack, Oracle, Proxy, Memory]]:
    """An exchange with small queues whose services reach the database through a proxy."""
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(
            fault_stack(servers, directory / "stack", settings=SETTINGS, limits=LIMITS)
        )
        parties = await exits.enter_async_context(oracle(stack, directory / "oracle"))
        database = await exits.enter_async_context(proxied(servers.database))
        for name in stack.services:
            stack.through(name, database=database.place)
        if hoarder is not None:
            stack[hoarder].launcher = ("-m", "tests.faults.broken", "hoards", f"services.{hoarder}")
        await stack.start()
        # What is imported and remembered at the first message is no growth.
        await parties["110101"].send(queries(100, "410102", note=NOTE))
        memory = Memory()
        memory.note(stack.services.values())
        yield stack, parties, database, memory


async def standstill(parties: Oracle) -> int:
    """Wait until nothing has been confirmed for a while; how many were by then."""
    confirmed, since = -1, time.monotonic()
    while time.monotonic() - since < STANDSTILL_S:
        await asyncio.sleep(0.2)
        now = len((await asyncio.to_thread(parties.testimony)).confirmed)
        if now != confirmed:
            confirmed, since = now, time.monotonic()
    return confirmed


async def outage(
    stack: FaultStack, parties: Oracle, database: Proxy, memory: Memory, away: str
) -> tuple[int, "asyncio.Task[int]"]:
    """One thing is away for ``OUTAGE_S`` under load, and comes back; how many were confirmed by then, and the load."""
    began = time.monotonic()
    if away == "database":
        database.go_away()
    else:
        await stack[away].terminate()
    loading = asyncio.create_task(parties["110101"].send(queries(OFFERED, "410102", note=NOTE)))
    buffered = await standstill(parties)
    await asyncio.sleep(max(0.0, began + OUTAGE_S - time.monotonic()))
    if away == "database":
        database.come_back()
    else:
        await stack[away].restart()
        memory.note([stack[away]])
    print(
        f"{away} away for {time.monotonic() - began:.0f} s: {buffered} confirmed of {OFFERED + 100} by then; {memory}"
    )
    return buffered, loading


@pytest.mark.timeout(OUTAGE_S + 400)
@pytest.mark.parametrize("away", ["database", pytest.param("router", marks=pytest.mark.long)])
async def test_what_is_away_slows_its_senders_and_nothing_grows_but_the_queues(
    servers: Servers, tmp_path: Path, away: str
) -> None:
    async with narrow_exchange(servers, tmp_path) as (stack, parties, database, memory):
        parties.read_all(none_of_them)
        buffered, loading = await outage(stack, parties, database, memory, away)
        began = time.monotonic()
        await loading
        verdict = await parties.verdict(within_s=240, quiet_s=40)
        print(f"drained {time.monotonic() - began:.1f} s after it came back; {memory}")

        # Some were taken into the queues, and then no more until it was back.
        assert 100 < buffered < OFFERED
        assert verdict.clean, verdict
        assert verdict.confirmed == verdict.attempted == verdict.delivered
        assert max(memory.growth().values()) < MOST_GROWTH_MIB


@pytest.mark.long
async def test_control_a_service_that_takes_more_than_it_can_pass_on_is_seen_to_grow(
    servers: Servers, tmp_path: Path
) -> None:
    async with narrow_exchange(servers, tmp_path, hoarder="gateway") as (stack, parties, _database, _memory):
        memory = Memory()
        memory.note([stack["gateway"]])
        await parties["110101"].send(queries(OFFERED, "410102", note=NOTE))

        await until("it grows", lambda: memory.growth()["gateway"] > MOST_GROWTH_MIB)


async def test_a_recipient_that_never_reads_has_its_messages_parked_and_nobody_else_waits(
    servers: Servers, tmp_path: Path
) -> None:
    async with narrow_exchange(servers, tmp_path) as (stack, parties, _database, memory):
        for address in ("110101", "410102"):
            parties[address].read(none_of_them)
        deaf, others = queries(400, "410202", note=NOTE), queries(400, "410102")
        began = time.monotonic()
        await parties["110101"].send([one for pair in zip(deaf, others, strict=True) for one in pair])
        served = {one.id for one in others}
        await until("the others are served", lambda: served <= parties["410102"].received)
        print(f"400 others served within {time.monotonic() - began:.1f} s")
        owed = {one.id for one in deaf}
        await until("the rest is parked", lambda: _decided(stack, owed))
        parked = [id for id, standing in (await states(stack)).items() if standing.state == "parked"]
        print(f"{len(owed) - len(parked)} in its inbox of 2 MiB, {len(parked)} parked; {memory}")

        parties["410202"].read(none_of_them)
        verdict = await parties.verdict(parked=False)
        print(f"all drained; {memory}")

        assert owed > set(parked)
        assert len(parked) > 200
        assert verdict.clean, verdict
        assert verdict.confirmed == verdict.attempted == verdict.delivered
        assert max(memory.growth().values()) < MOST_GROWTH_MIB


async def _decided(stack: FaultStack, ids: set[str]) -> bool:
    """Whether each is in an inbox or parked."""
    known = await states(stack)
    return all(id in known and known[id].state in {"dispatched", "parked"} for id in ids)
