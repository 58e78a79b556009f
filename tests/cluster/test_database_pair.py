"""A primary with a synchronous standby under load: what was confirmed is on both, whichever of them goes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from services.cli.stack.broker import BrokerAddress
from services.ledger.store.transaction import CommitInDoubtError, transaction
from tests.acceptance.waiting import until
from tests.cluster.database_pair import DatabasePair, database_pair
from tests.cluster.database_server import DatabaseServer
from tests.cluster.load import under_load
from tests.conftest import ServerHome
from tests.faults.harness.messages import query
from tests.faults.harness.oracle import Oracle, oracle
from tests.faults.harness.servers import Servers, make_template
from tests.faults.harness.stack import FaultStack, fault_stack

TWO_OF_EACH = {"gateway": 2, "router": 2, "ledger": 2}
CUT_SHORT = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
STILL_SECONDS = 5.0
"""So long nothing may move for a test to say that it stands still; a message takes 0.1 s otherwise."""


@pytest_asyncio.fixture(loop_scope="session")
async def pair(tmp_path: Path) -> AsyncIterator[DatabasePair]:
    """A pair of the test's own."""
    async with database_pair(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def paired_servers(server_home: ServerHome, broker: BrokerAddress, pair: DatabasePair) -> Servers:
    """The session's broker and the pair; services know both servers by their settings alone."""
    template = await make_template(pair.first.url, server_home.credentials.admin_token)
    return Servers(broker, pair.url, template, server_home.credentials)


@asynccontextmanager
async def exchange(
    servers: Servers, directory: Path, *, launcher: Sequence[str] = ("-m",)
) -> AsyncIterator[tuple[FaultStack, Oracle]]:
    """Two of each service and parties."""
    async with (
        fault_stack(servers, directory / "stack", counts=TWO_OF_EACH, launcher=launcher) as stack,
        oracle(stack, directory / "oracle") as parties,
    ):
        await stack.start()
        yield stack, parties


async def expect_clean(parties: Oracle, at_least: int = 1) -> None:
    """Wait until all has drained, and hear the oracle."""
    verdict = await parties.verdict(within_s=120, quiet_s=30)
    assert verdict.clean, verdict
    assert len(verdict.confirmed) >= at_least


async def promote(server: DatabaseServer) -> None:
    """Make the standby that is left the primary, without a standby of its own until it has one."""
    await server.require_standby(None)
    await server.promote()


async def stands_still(stack: FaultStack, parties: Oracle) -> str:
    """Send a message, see that it gets no further than into custody, and return its id."""
    message = query("410102")
    assert await parties["110101"].send([message]) == 1
    await asyncio.sleep(STILL_SECONDS)
    assert message.id not in parties["410102"].received
    return message.id


async def cut_short(server: DatabaseServer) -> None:
    """Cancel whatever COMMIT waits for the standby."""

    async def did() -> bool:
        return bool(await server.value(CUT_SHORT))

    await until(f"a COMMIT waits on {server.name}", did)


async def test_the_standby_takes_over_and_later_gives_back(
    paired_servers: Servers, pair: DatabasePair, tmp_path: Path
) -> None:
    async with exchange(paired_servers, tmp_path) as (stack, parties):
        async with under_load(stack, parties) as load:
            for old, new in ((pair.first, pair.second), (pair.second, pair.first)):
                began = time.monotonic()
                await old.kill()
                stack.other_kills += 1
                await promote(new)
                promoted = time.monotonic()
                await load.flows()
                print(
                    f"{old.name} was killed, {new.name} promoted after {promoted - began:.1f} s: {load.pauses(began)}"
                )
                back = time.monotonic()
                print((await old.rewind_to(new)).strip())
                await old.start()
                await new.require_standby(old.name)
                await load.flows()
                print(f"{old.name} follows after {time.monotonic() - back:.1f} s: {load.pauses(back)}")
        await expect_clean(parties, at_least=200)


async def test_without_its_standby_nothing_leaves_the_exchange_even_if_a_commit_is_cut_short(
    paired_servers: Servers, pair: DatabasePair, tmp_path: Path
) -> None:
    async with exchange(paired_servers, tmp_path) as (stack, parties):
        parties.read_all()
        await parties["110101"].send([query("410102")])
        await pair.second.kill()
        stack.other_kills += 1
        id = await stands_still(stack, parties)
        for _ in range(3):
            await cut_short(pair.first)
        await asyncio.sleep(STILL_SECONDS)
        assert id not in parties["410102"].received
        assert sum(one.log.read_text().count("CommitInDoubtError") for one in stack.of("ledger")) >= 3

        await pair.first.kill()
        await pair.second.start()
        await promote(pair.second)
        await until("the message arrives", lambda: id in parties["410102"].received, within_s=60)
        stack.other_kills += 1
        await expect_clean(parties)


async def test_a_ledger_that_trusts_every_commit_delivers_what_is_then_on_no_ledger(
    paired_servers: Servers, pair: DatabasePair, tmp_path: Path
) -> None:
    unguarded = (str(Path(__file__).with_name("unguarded.py")),)
    async with exchange(paired_servers, tmp_path, launcher=unguarded) as (stack, parties):
        parties.read_all()
        await parties["110101"].send([query("410102")])
        await pair.second.kill()
        id = await stands_still(stack, parties)

        async def handed_over() -> bool:
            await pair.first.value(CUT_SHORT)
            return id in parties["410102"].received

        await until("the message is handed over", handed_over)
        await asyncio.gather(*(one.kill() for one in stack.of("ledger")))
        await pair.first.kill()
        await pair.second.start()
        await promote(pair.second)
        assert await pair.second.value("SELECT pg_is_in_recovery()") is False
        await asyncio.gather(*(one.restart() for one in stack.of("ledger")))
        verdict = await parties.verdict(within_s=60, quiet_s=20)
        assert not verdict.clean


async def test_an_old_primary_that_comes_back_unfenced_stops_its_writer_and_confirms_nothing(
    paired_servers: Servers, pair: DatabasePair, tmp_path: Path
) -> None:
    async with exchange(paired_servers, tmp_path) as (stack, parties):
        parties.read_all()
        await parties["110101"].send([query("410102")])
        await pair.first.kill()
        await promote(pair.second)
        await pair.first.start()
        # It is the first host of the URL and can be written to: services that start now find it, and not the other.
        for ledger in stack.of("ledger"):
            await ledger.kill()
        for ledger in stack.of("ledger"):
            await ledger.restart()

        id = await stands_still(stack, parties)
        connection = await asyncpg.connect(_of(stack, pair.first))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await connection.execute("UPDATE log_head SET epoch = epoch")
        connection.terminate()
        stack.other_kills += 2

        await pair.first.kill()
        await until("the message arrives", lambda: id in parties["410102"].received, within_s=60)
        await expect_clean(parties)


async def test_a_commit_on_an_old_primary_is_in_doubt_when_it_is_cut_short(pair: DatabasePair) -> None:
    await pair.first.execute("CREATE TABLE t (i int)")
    await pair.second.kill()
    connection = await asyncpg.connect(pair.first.url)
    cutting = asyncio.create_task(cut_short(pair.first))
    with pytest.raises(CommitInDoubtError):
        async with transaction(connection):
            await connection.execute("INSERT INTO t VALUES (1)")
    await cutting
    await connection.close()


def _of(stack: FaultStack, server: DatabaseServer) -> str:
    """The URL of the exchange's database on one server alone."""
    return f"{server.url.rpartition('/')[0]}/{stack.platform.vhost}"
