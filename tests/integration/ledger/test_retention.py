"""Retention on a real database: what is over is forgotten, what is open never, and every figure stays."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner

from contracts.batch import Admitted, LedgerBatch, Parked, Report
from contracts.problems import ProblemType
from services.cli import retention
from services.cli.stack.stack_file import StackFile
from services.ledger.conservation import broken_cohorts, miscounted_cohorts
from services.ledger.retention import forget
from services.ledger.sequencer import Sequencer
from services.registry.transactions import Connection
from tests.unit.ledger.lives import CALENDAR, KINDS, admitted, batch, dispatched, forward, problems, query, reply

LONG_AGO = datetime(2025, 3, 1, 8, tzinfo=UTC)
BEFORE = LONG_AGO + timedelta(days=30)
LATELY = LONG_AGO + timedelta(days=60)


class Past:
    """A ledger whose time is ``now``."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self.now = LONG_AGO
        self._sequencer = Sequencer(pool, CALENDAR, lambda address: address, KINDS.get, clock=lambda: self.now)

    async def take(self, *batches: LedgerBatch) -> list[str]:
        """Put batches on the ledger; what was refused, and why."""
        return problems((await self._sequencer.take(batches))[0])

    async def answered(self, *, placed: bool = True) -> tuple[Admitted, Admitted]:
        """A query and its answer, which is in its asker's inbox if it is ``placed``."""
        asked = query(arrived_at=self.now)
        said = reply("answer", asked, outcome="confirmed", arrived_at=self.now)
        await self.take(batch(asked), dispatched(asked), batch(said))
        if placed:
            await self.take(dispatched(said, "310115"))
        return asked, said


@pytest.fixture
def past(pool: "asyncpg.Pool[Any]") -> Past:
    """A ledger in the past."""
    return Past(pool)


@pytest_asyncio.fixture
async def owner(database: str) -> AsyncIterator[Connection]:
    """The owner's connection, as the command has it."""
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def forgotten(connection: Connection) -> set[UUID]:
    """The messages that nothing can be compared with any more."""
    return {row["id"] for row in await connection.fetch("SELECT id FROM message WHERE salt IS NULL")}


async def test_what_is_over_is_forgotten_and_nothing_that_is_open_or_on_its_way(past: Past, owner: Connection) -> None:
    asked, said = await past.answered()
    taken_back = query(arrived_at=past.now)
    notice = admitted("notice", "310115", kind="service.notice", address="410102", written_to="410102")
    told = reply("withdrawal", taken_back, "310115", reason="no-longer-needed")
    await past.take(batch(taken_back, notice), dispatched(taken_back), dispatched(notice), batch(told))
    await past.take(dispatched(told, "410102"))
    over = {asked.id, said.id, taken_back.id, notice.id, told.id}

    still_open, acknowledged, handed_on, parked, waiting, stuck = (query(arrived_at=past.now) for _ in range(6))
    await past.take(batch(still_open, acknowledged, handed_on, parked, waiting, stuck))
    await past.take(*(dispatched(one) for one in (still_open, acknowledged, handed_on, stuck)))
    await past.take(batch(reply("acknowledgement", acknowledged), forward(handed_on, "110101")))
    await past.take(batch(reply("answer", stuck, outcome="partial", reason="more-follows")))
    await past.take(Report(uuid4(), [Parked(parked.id, "inbox-full")]))
    late, unread = (await past.answered(placed=False))[0], (await past.answered(placed=False))[1]

    assert await forget(owner, BEFORE, actor="test") == Counter(query=4, answer=1, notice=1, withdrawal=1)
    first, second = late.id, await owner.fetchval("SELECT correlation_id FROM message WHERE id = $1", unread.id)
    assert await forgotten(owner) == over | {first, second}


async def test_what_closed_lately_is_kept_however_old_it_is(past: Past, owner: Connection) -> None:
    asked = query(arrived_at=past.now)
    await past.take(batch(asked), dispatched(asked))
    past.now = LATELY
    said = reply("answer", asked, outcome="confirmed", arrived_at=past.now)
    await past.take(batch(said))
    await past.take(dispatched(said, "310115"))
    assert await forget(owner, BEFORE, actor="test") == Counter()
    assert await forget(owner, LATELY + timedelta(seconds=1), actor="test") == Counter(query=1, answer=1)


async def test_figures_entries_and_states_stay_and_everything_adds_up(past: Past, owner: Connection) -> None:
    for _ in range(3):
        await past.answered()
    tables = [
        "SELECT * FROM entry ORDER BY index",
        "SELECT * FROM cohort ORDER BY role, address",
        "SELECT * FROM duty ORDER BY query_id",
        "SELECT id, state, commitment, outcome, closed_at FROM message ORDER BY id",
    ]
    stood = [await owner.fetch(table) for table in tables]
    assert (await forget(owner, BEFORE, actor="test")).total() == 6
    assert [await owner.fetch(table) for table in tables] == stood
    assert await broken_cohorts(owner) == await miscounted_cohorts(owner) == []


async def test_the_id_of_a_forgotten_message_is_refused_with_whatever_content(past: Past, owner: Connection) -> None:
    asked, _ = await past.answered()
    await forget(owner, BEFORE, actor="test")
    past.now = LATELY
    assert await past.take(batch(asked)) == [ProblemType.ID_REUSED.slug]
    assert await owner.fetchval("SELECT count(*) FROM message WHERE type = 'query'") == 1


async def test_a_run_that_was_interrupted_is_taken_up_again(past: Past, owner: Connection) -> None:
    for _ in range(4):
        await past.answered()
    seen: list[int] = []

    def break_off(done: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await forget(owner, BEFORE, actor="test", at_once=3, progress=break_off)
    assert len(await forgotten(owner)) == 6
    assert (await forget(owner, BEFORE, actor="test", at_once=3)).total() == 2
    actions = [row["action"] for row in await owner.fetch("SELECT action FROM administration ORDER BY id")]
    assert actions == ["retention.run", "retention.run", "retention.done"]


async def test_a_message_that_is_being_written_to_is_left_to_the_next_run(
    past: Past, owner: Connection, pool: "asyncpg.Pool[Any]"
) -> None:
    asked, said = await past.answered()
    async with pool.acquire() as writer, writer.transaction():
        await writer.execute("SELECT 1 FROM message WHERE id = $1 FOR UPDATE", asked.id)
        await asyncio.wait_for(forget(owner, BEFORE, actor="test"), timeout=20)
        assert await forgotten(owner) == {said.id}
    assert await forget(owner, BEFORE, actor="test") == Counter(query=1)


async def test_the_command_counts_first_and_then_forgets_and_only_that_is_on_record(
    past: Past, owner: Connection, database: str, tmp_path: Path
) -> None:
    await past.answered()
    StackFile(
        amqp_url="",
        broker_api_url="",
        gateway_url="",
        ledger_url="",
        database_url=database,
        admin_token="",
        services=(),
    ).write(tmp_path)

    async def run(*options: str) -> Any:
        words = ["run", "--data", str(tmp_path), "--json", *options]
        result = await asyncio.to_thread(lambda: CliRunner().invoke(retention.app, words))
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    counted = await run("--dry-run")
    assert (counted["dry_run"], counted["days"], counted["forgotten"]) == (True, 365, 2)
    assert await forgotten(owner) == set()
    assert await owner.fetchval("SELECT count(*) FROM administration") == 0
    assert (await run())["by_type"] == {"answer": 1, "query": 1}
    assert (await run())["forgotten"] == 0
    assert len(await forgotten(owner)) == 2
    recorded = await owner.fetch("SELECT action, detail FROM administration ORDER BY id LIMIT 2")
    assert [row["action"] for row in recorded] == ["retention.run", "retention.done"]
    assert json.loads(recorded[1]["detail"]) == {"query": 1, "answer": 1}
