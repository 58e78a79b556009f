"""Two writers: a ledger that was paused, and comes back after another took over, commits nothing."""

import asyncio
import signal
from pathlib import Path

import asyncpg
import pytest

from tests.acceptance.waiting import until
from tests.faults.harness.oracle import Oracle, oracle, queries
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack, fault_stack

QUICK = ("-m", "tests.faults.broken", "quick")
TWO = {"gateway": 1, "router": 1, "ledger": 2}


async def epoch(stack: FaultStack) -> int:
    """How often the log was claimed."""
    async with stack.database() as connection:
        return int(await connection.fetchval("SELECT epoch FROM log_head"))


async def size(stack: FaultStack) -> int:
    """How many entries there are."""
    async with stack.database() as connection:
        return int(await connection.fetchval("SELECT size FROM log_head"))


async def taken_over(stack: FaultStack, before: int) -> None:
    """Wait until another ledger has claimed the log and written to it."""
    entries = await size(stack)

    async def is_so() -> bool:
        return await epoch(stack) > before and await size(stack) > entries

    await until("another ledger takes over", is_so, within_s=60)


async def appended(stack: FaultStack, name: str) -> float:
    """How many entries this very process has committed."""
    return await stack[name].counted("huizhi_ledger_entries_total")


async def start_with_the_first_active(stack: FaultStack, parties: Oracle) -> None:
    """``ledger`` is the active consumer of its queues, ``ledger-2`` stands by."""
    await stack.start("gateway", "router", "ledger")
    await stack.start("ledger-2")
    parties.read_all()


@pytest.mark.long
async def test_a_ledger_that_is_stopped_for_longer_than_the_heartbeat_commits_nothing_when_it_comes_back(
    servers: Servers, tmp_path: Path
) -> None:
    async with (
        fault_stack(servers, tmp_path / "stack", counts=TWO) as stack,
        oracle(stack, tmp_path / "oracle") as parties,
    ):
        await start_with_the_first_active(stack, parties)
        loading = asyncio.create_task(parties["110101"].send(queries(400, "410102", "410202"), per_second=15))
        await until("the first ledger writes", lambda: _writes(stack))
        before = await epoch(stack)
        stack["ledger"].send(signal.SIGSTOP)
        # With the shipped heartbeat of ten seconds.
        await taken_over(stack, before)
        stack["ledger"].send(signal.SIGCONT)
        await loading
        verdict = await parties.verdict()

        assert verdict.clean, verdict
        assert await appended(stack, "ledger-2") > 0
        # Stopped between two batches it holds nothing and has nothing to be fenced from: its connections are gone.
        assert stack["ledger"].said("pump_disconnected") >= 1


@pytest.mark.parametrize("point", ["ledger.decided", "ledger.before-commit"])
async def test_a_ledger_that_is_stopped_inside_its_transaction_is_fenced_off(
    servers: Servers, tmp_path: Path, point: str
) -> None:
    async with (
        fault_stack(servers, tmp_path / "stack", counts=TWO, launcher=QUICK) as stack,
        oracle(stack, tmp_path / "oracle") as parties,
    ):
        stack.arm("ledger", point, 8, pause=True)
        await start_with_the_first_active(stack, parties)
        loading = asyncio.create_task(parties["110101"].send(queries(400, "410102", "410202"), per_second=200))
        await until("the ledger stops itself", stack["ledger"].is_stopped)
        before = await epoch(stack)
        # The database ends the transaction of who says nothing for too long, and lets the other writer in.
        await taken_over(stack, before)
        stack["ledger"].send(signal.SIGCONT)
        await loading
        verdict = await parties.verdict()

        assert verdict.clean, verdict
        assert await stack["ledger"].counted("huizhi_ledger_fenced_total") >= 1
        assert stack["ledger"].said("pump_disconnected") >= 1


@pytest.mark.parametrize("guard", [None, "silence-lasts"], ids=["it is ended", "control: it is not ended"])
async def test_a_writer_that_falls_silent_in_the_middle_of_a_statement_does_not_keep_the_head(
    servers: Servers, tmp_path: Path, guard: str | None
) -> None:
    settings = {"HUIZHI_LEDGER_TRANSACTION_TIMEOUT_S": "2"}
    async with (
        fault_stack(servers, tmp_path / "stack", settings=settings) as stack,
        oracle(stack, tmp_path / "oracle") as parties,
    ):
        if guard is not None:
            stack["ledger"].launcher = ("-m", "tests.faults.broken", guard, "services.ledger")
        await stack.start()
        parties.read_all()
        silent = await asyncpg.connect(
            stack["ledger"].environment["HUIZHI_DATABASE_URL"],
            server_settings={"application_name": "huizhi ledger writer"},
        )
        await silent.execute("BEGIN")
        await silent.execute("SELECT 1 FROM log_head FOR UPDATE")
        # Parsed and never executed: to the server this is no idle transaction, which it would end by itself.
        await silent.prepare("SELECT size FROM log_head")
        await parties["110101"].send(queries(100, "410102", "410202"))
        verdict = await parties.verdict(quiet_s=7.0 if guard else 20.0)
        silent.terminate()

    assert verdict.clean == (guard is None), verdict
    assert bool(verdict.lost) == (guard is not None), verdict


async def _writes(stack: FaultStack) -> bool:
    return await size(stack) > 20
