"""Three RabbitMQ nodes under load: whichever goes, nothing confirmed is lost and nothing is counted twice."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.cli.stack.broker import answers
from tests.acceptance.waiting import until
from tests.cluster.broker_cluster import BrokerCluster
from tests.cluster.broker_node import NET_TICK_SECONDS
from tests.cluster.load import under_load
from tests.cluster.page import commands
from tests.faults.harness.oracle import Oracle, oracle
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack, fault_stack

STILL_SECONDS = 5.0
TWO_OF_EACH = {"gateway": 2, "router": 2, "ledger": 2}


@asynccontextmanager
async def exchange(
    servers: Servers, cluster: BrokerCluster, directory: Path
) -> AsyncIterator[tuple[FaultStack, Oracle]]:
    """Two of each service, which know the nodes by their settings alone; all queues have three members."""
    async with (
        fault_stack(servers, directory / "stack", counts=TWO_OF_EACH) as stack,
        oracle(stack, directory / "oracle") as parties,
    ):
        for name in stack.services:
            stack.through(name, amqp=cluster.places)
        await stack.start()
        await cluster.whole(stack.platform.vhost)
        yield stack, parties


async def expect_clean(parties: Oracle) -> None:
    """Wait until all has drained, and hear the oracle."""
    verdict = await parties.verdict(within_s=180, quiet_s=60)
    assert verdict.clean, verdict
    assert len(verdict.confirmed) > 200


async def test_the_node_that_leads_the_ledger_queue_is_killed_and_then_another(
    clustered_servers: Servers, cluster: BrokerCluster, tmp_path: Path
) -> None:
    async with exchange(clustered_servers, cluster, tmp_path) as (stack, parties):
        async with under_load(stack, parties) as load:
            first = await cluster.leader(stack.platform.vhost, "ledger")
            second = next(node for node in cluster.nodes if node is not first)
            for node in (first, second):
                began = time.monotonic()
                await node.kill()
                stack.other_kills += 1
                await load.flows()
                print(f"{node.name} was killed: {load.pauses(began)}")
                back = time.monotonic()
                await node.start()
                await cluster.whole(stack.platform.vhost)
                print(f"it was back, its members in sync, after {time.monotonic() - back:.1f} s: {load.pauses(back)}")
        await expect_clean(parties)


async def test_a_node_that_hangs_longer_than_the_others_wait_comes_back_as_a_follower(
    clustered_servers: Servers, cluster: BrokerCluster, tmp_path: Path
) -> None:
    async with exchange(clustered_servers, cluster, tmp_path) as (stack, parties):
        async with under_load(stack, parties) as load:
            vhost = stack.platform.vhost
            node = await cluster.leader(vhost, "ledger")
            witness = next(other for other in cluster.nodes if other is not node)
            began = time.monotonic()
            node.pause()
            # The time is what is tested: the others must have given it up before it goes on.
            await asyncio.sleep(2.5 * NET_TICK_SECONDS)
            assert await cluster.leader(vhost, "ledger", of=witness) is not node
            node.go_on()
            stack.other_kills += 1
            await load.flows()
            await node.ready()
            # Its queues are well, and yet it may be parted from the others; where it is not, the commands do no harm.
            print(f"it came back {'one with' if await node.sees() else 'parted from'} the others")
            for program, *arguments in commands("hung", {}):
                await asyncio.to_thread(node.ctl, *arguments, program=program)
            await cluster.whole(vhost)
            await load.flows()
            print(f"{node.name} hung for {2.5 * NET_TICK_SECONDS:.0f} s: {load.pauses(began)}")
        await expect_clean(parties)


async def test_with_two_nodes_lost_nothing_is_confirmed_until_one_is_back(
    clustered_servers: Servers, cluster: BrokerCluster, tmp_path: Path
) -> None:
    async with exchange(clustered_servers, cluster, tmp_path) as (stack, parties):
        async with under_load(stack, parties) as load:
            lost, (left,) = cluster.nodes[:2], cluster.nodes[2:]
            began = time.monotonic()
            await asyncio.gather(*(node.kill() for node in lost))
            stack.other_kills += len(lost)

            async def pauses() -> bool:
                return not await answers(left.api_url, f"/api/health/checks/port-listener/{left.amqp_port}")

            await until("the node that is left pauses", pauses, within_s=60)
            paused = time.monotonic()
            print(f"{left.name} was left alone and paused after {paused - began:.1f} s")
            # A confirm from before may be noted late: a journal waits for its disk. Otherwise one comes every 0.1 s.
            await until(
                "nothing is confirmed any more", lambda: load.custody.moves(time.monotonic() - STILL_SECONDS) == 0
            )
            await lost[0].start()
            await left.ready()
            await load.flows()
            await lost[1].start()
            await cluster.whole(stack.platform.vhost)
            print(f"two nodes were killed and came back: {load.pauses(began)}")
        await expect_clean(parties)
