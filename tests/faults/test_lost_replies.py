"""Replies that are lost: the broker's confirms, the word that a COMMIT is done, and everything on half-open lines.

Each time the work was done and whoever asked for it cannot know. It is done again, and counted once.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.faults.harness.oracle import Oracle, oracle, queries
from tests.faults.harness.proxy import Proxy, proxied
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack, fault_stack
from tests.faults.harness.verdict import Verdict

SERVICES = ("gateway", "ledger", "router")
QUICK = ("-m", "tests.faults.broken", "quick")
SHORT = {
    "HUIZHI_AMQP_CONFIRM_TIMEOUT_S": "1",
    "HUIZHI_LEDGER_TRANSACTION_TIMEOUT_S": "2",
    "HUIZHI_LEDGER_QUERY_TIMEOUT_S": "3",
    # Commits that are counted here are those of what is written, and not of checkpoints.
    "HUIZHI_PROOF_INTERVAL_S": "600",
}


@asynccontextmanager
async def proxied_service(
    servers: Servers, directory: Path, service: str
) -> AsyncIterator[tuple[FaultStack, Oracle, Proxy, Proxy]]:
    """An exchange in which one service reaches broker and database through proxies."""
    async with (
        fault_stack(servers, directory / "stack", settings=SHORT, launcher=QUICK) as stack,
        oracle(stack, directory / "oracle") as parties,
        proxied(servers.broker.server) as broker,
        proxied(servers.database) as database,
    ):
        stack.through(service, amqp=broker.place, database=database.place)
        await stack.start()
        parties.read_all()
        yield stack, parties, broker, database


async def load(stack: FaultStack, parties: Oracle) -> None:
    """Some hundred queries over both doors, and then some more behind them."""
    posting = asyncio.create_task(parties["410102"].post(queries(40, "110101"), stack.gateway_urls))
    await parties["110101"].send(queries(240, "410102", "410202"))
    await posting


async def judged(parties: Oracle) -> Verdict:
    """The verdict, which must be clean."""
    verdict = await parties.verdict()
    assert verdict.clean, verdict
    assert verdict.confirmed == verdict.attempted == verdict.delivered
    return verdict


@pytest.mark.parametrize("service", SERVICES)
async def test_confirms_that_never_arrive_cost_time_and_nothing_else(
    servers: Servers, tmp_path: Path, service: str
) -> None:
    async with proxied_service(servers, tmp_path, service) as (stack, parties, broker, _database):
        broker.lose_confirms(after=5)
        await load(stack, parties)
        await broker.lost.wait()
        await judged(parties)

        assert broker.confirms >= 1
        assert stack[service].said("pump_disconnected") >= 1


@pytest.mark.parametrize("hold", [False, True], ids=["the line breaks", "the line stays silent"])
async def test_a_commit_whose_reply_is_lost_is_on_the_ledger_once(servers: Servers, tmp_path: Path, hold: bool) -> None:
    async with proxied_service(servers, tmp_path, "ledger") as (stack, parties, _broker, database):
        database.lose_commit(after=6, hold=hold)
        await load(stack, parties)
        await database.lost.wait()
        verdict = await judged(parties)

        assert database.commits == 1
        assert verdict.redelivered == 0
        assert stack["ledger"].said("database_away") >= 1


@pytest.mark.parametrize(
    "words",
    [b"BEGIN;", b"SET LOCAL statement_timeout = 0", b"COMMIT;", b"pg_advisory_unlock_all"],
    ids=["before it begins", "with the head locked", "at its commit", "when it gives its connection back"],
)
async def test_a_ledger_whose_database_falls_silent_in_the_middle_of_its_work_goes_on_over_another_line(
    servers: Servers, tmp_path: Path, words: bytes
) -> None:
    async with proxied_service(servers, tmp_path, "ledger") as (stack, parties, _broker, database):
        database.freeze_at(words, after=6)
        await load(stack, parties)
        await database.lost.wait()
        await judged(parties)

        assert stack["ledger"].said("database_away") >= 1


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_whose_lines_are_half_open_comes_back_by_itself(
    servers: Servers, tmp_path: Path, service: str
) -> None:
    async with proxied_service(servers, tmp_path, service) as (stack, parties, broker, database):
        loading = asyncio.create_task(load(stack, parties))
        await asyncio.sleep(0.5)
        broker.freeze()
        database.freeze()
        await loading
        await judged(parties)

        assert stack[service].said("pump_disconnected") >= 1
