"""A commit that was not replicated is no commit, on a server whose synchronous standby is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from contracts.notes import SigningKey
from services.cli.stack import postgres
from services.cli.stack.files import private_directory
from services.cli.stack.ports import choose
from services.cli.stack.processes import ProcessBook
from services.cli.stack.supervisor import Supervisor
from services.ledger.store.faults import is_away
from services.ledger.store.provision import provision
from services.ledger.store.transaction import CommitInDoubtError, transaction
from tests.acceptance.waiting import until
from tests.integration.ledger.published import Published, Witness
from tests.integration.ledger.records import intake, query
from tests.integration.ledger.test_sequencer import a_sequencer

CUT_SHORT = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest_asyncio.fixture
async def abandoned(tmp_path: Path) -> AsyncIterator[asyncpg.Pool]:
    """The owner's connections to a migrated database on a server of its own, where every COMMIT waits for a standby
    that there is not.
    """
    port = choose(tmp_path, None, ["database"])["database"]
    async with running_server(tmp_path, port) as url:
        await provision(url, {})
        await _execute(url, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    async with running_server(tmp_path, port) as url, asyncpg.create_pool(url, min_size=2) as pool:
        yield pool


@asynccontextmanager
async def running_server(directory: Path, port: int) -> AsyncIterator[str]:
    """A private server; its owner's URL."""
    supervisor = Supervisor(ProcessBook(directory / "processes.json"), print)
    logs = private_directory(directory / "logs")
    try:
        yield await postgres.start(supervisor, directory=directory / "data", port=port, password="secret", logs=logs)
    finally:
        await supervisor.stop()


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def cut_short(pool: asyncpg.Pool) -> None:
    """Cancel the next COMMIT that waits for the standby."""

    async def is_waiting() -> bool:
        return bool(await pool.fetchval(CUT_SHORT))

    await until("a COMMIT waits for the standby", is_waiting, within_s=20)


async def test_a_commit_whose_wait_for_the_standby_is_cut_short_raises(abandoned: asyncpg.Pool) -> None:
    async with abandoned.acquire() as connection:
        canceller = asyncio.create_task(cut_short(abandoned))
        with pytest.raises(CommitInDoubtError) as caught:
            async with transaction(connection):
                await connection.execute("UPDATE log_head SET epoch = 77")
        await canceller
        assert await connection.fetchval("SELECT epoch FROM log_head") == 77
    assert is_away(caught.value)


async def test_the_sequencer_returns_nothing_for_what_is_only_committed_here(abandoned: asyncpg.Pool) -> None:
    sequencer, batch = a_sequencer(abandoned), intake(query())
    canceller = asyncio.create_task(cut_short(abandoned))
    with pytest.raises(CommitInDoubtError):
        await sequencer.take([batch])
    await canceller

    await abandoned.execute("ALTER SYSTEM RESET synchronous_standby_names")
    await abandoned.execute("SELECT pg_reload_conf()")
    # Waits, if the server has not reloaded yet, and is then let go.
    decision, _ = await sequencer.take([batch])

    assert [len(handover.messages) for handover in decision.handovers] == [1]
    assert await abandoned.fetchval("SELECT count(*) FROM message") == 1


async def test_what_the_standby_may_not_have_is_shown_to_no_witness_and_not_published(
    abandoned: asyncpg.Pool,
) -> None:
    witness = Witness(SigningKey.generate("witness.example"))
    log = Published(abandoned, cosigner=witness)
    canceller = asyncio.create_task(cut_short(abandoned))
    with pytest.raises(CommitInDoubtError):
        await log.publisher.publish()
    await canceller
    assert witness.seen == []
    assert await abandoned.fetchval("SELECT count(*) FROM checkpoint") == 0


async def test_a_warning_of_a_statement_fails_nothing(abandoned: asyncpg.Pool) -> None:
    async with abandoned.acquire() as connection, transaction(connection):
        await connection.execute("DO $$ BEGIN RAISE WARNING 'by the way'; END $$")
