"""Controls of what servers promise: a queue that is not of quorum type, a COMMIT that does not wait for the disk.

On servers of its own, which are killed. With the guards on, `make chaos` and tests/cluster kill them all the time.
"""

import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aio_pika
import pytest
import pytest_asyncio

from tests.acceptance.waiting import until
from tests.faults.harness.oracle import oracle, queries
from tests.faults.harness.servers import Servers, execute, private_servers
from tests.faults.harness.stack import FaultStack, fault_stack

# Servers of its own take as long to start as several fault tests to run.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

QUIET_S = 5.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mortal(tmp_path_factory: pytest.TempPathFactory, client: str) -> AsyncIterator[Servers]:
    """Servers that may be killed."""
    async with private_servers(tmp_path_factory.mktemp("mortal")) as servers:
        yield replace(servers, client=client)


async def test_a_commit_that_does_not_wait_for_the_disk_is_forgotten_when_the_database_dies(
    mortal: Servers, tmp_path: Path
) -> None:
    async with fault_stack(mortal, tmp_path / "stack") as stack, oracle(stack, tmp_path / "oracle") as parties:
        name = stack.platform.vhost
        await execute(
            stack.platform.database_url,
            f'ALTER DATABASE "{name}" SET synchronous_commit = off',
            "ALTER SYSTEM SET wal_writer_delay = '10s'",
            "ALTER SYSTEM SET wal_writer_flush_after = '1GB'",
            "SELECT pg_reload_conf()",
        )
        await stack.start()
        parties.read_all()
        await parties["110101"].send(queries(200, "410102", "410202"))
        await until("most of it is delivered", lambda: len(parties["410102"].received) > 50)
        # An immediate stop, as a crash of the machine would be: nothing is written any more.
        mortal.signal("database", signal.SIGQUIT)
        stack.other_kills += 1
        verdict = await parties.verdict(quiet_s=QUIET_S)

    assert verdict.lost or verdict.unexpected, verdict


async def test_a_queue_that_is_not_durable_loses_what_it_confirmed_when_the_broker_dies(
    mortal: Servers, tmp_path: Path
) -> None:
    async with fault_stack(mortal, tmp_path / "stack") as stack, oracle(stack, tmp_path / "oracle") as parties:
        await _transient_ledger_queue(stack)
        # Without a ledger the queue fills.
        await stack.start("gateway", "router")
        await parties["110101"].send(queries(200, "410102", "410202"))
        mortal.signal("broker", signal.SIGKILL)
        stack.other_kills += 1
        parties.read_all()
        await until("the broker is back", lambda: _broker_answers(stack), within_s=90)
        await _transient_ledger_queue(stack)
        await stack.start("ledger")
        verdict = await parties.verdict(quiet_s=QUIET_S)

    assert verdict.lost, verdict


async def _transient_ledger_queue(stack: FaultStack) -> None:
    async with await aio_pika.connect(stack.platform.amqp_url) as connection:
        channel = await connection.channel()
        await channel.queue_delete("ledger")
        queue = await channel.declare_queue("ledger", durable=False, arguments={"x-single-active-consumer": True})
        await queue.bind("ledger")


async def _broker_answers(stack: FaultStack) -> bool:
    try:
        async with await aio_pika.connect(stack.platform.amqp_url, timeout=5):
            return True
    except Exception:
        return False
