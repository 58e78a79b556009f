"""Random lives of queries, on the real sequencer and a real database, held against a model after every step.

More of them: ``pytest tests/integration/ledger/test_lives.py --hypothesis-profile=thorough``.
"""

import asyncio
import itertools
import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import asyncpg
import pytest
from hypothesis import settings
from hypothesis.stateful import invariant, run_state_machine_as_test

from contracts.batch import LedgerBatch
from services.ledger.conservation import broken_cohorts, miscounted_cohorts
from services.ledger.records import Decision
from services.ledger.sequencer import Sequencer
from services.ledger.store.queries import READING
from services.ledger.transitions import OPEN, TRANSITIONS, Event, State
from tests.conftest import execute, in_database
from tests.unit.ledger.lives import CALENDAR, COUNTERS, KINDS
from tests.unit.ledger.lives_model import Model
from tests.unit.ledger.random_lives import RandomLives, asked

COOLDOWN = timedelta(hours=24)
KEY = ("role", "address", "tier", "kind", "period")
Result = TypeVar("Result")


class LivesOnADatabase(RandomLives):
    """Each run has a database of its own on ``server``, copied from ``template``."""

    server: ClassVar[str]
    template: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.name = f"huizhi_lives_{secrets.token_hex(6)}"
        self.run(execute(self.server, f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}"'))
        self.pool = self.run(_pool(in_database(self.server, self.name)))
        self.sequencer = Sequencer(self.pool, CALENDAR, asked, KINDS.get, clock=lambda: self.clock)

    def teardown(self) -> None:
        self.run(self.pool.close())
        self.run(execute(self.server, f'DROP DATABASE "{self.name}" WITH (FORCE)'))
        self.runner.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)

    def decide(self, *batches: LedgerBatch) -> Decision:
        return self.run(self.sequencer.take(batches))[0]

    def to_be_reminded(self) -> list[UUID]:
        return [row["id"] for row in self.run(self.pool.fetch(READING["to_be_reminded"], self.at, []))]

    @invariant()
    def ledger_and_model_agree(self) -> None:
        self.run(self._agree())

    async def _agree(self) -> None:
        async with self.pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
            await _queries_are_where_they_should_be(connection, self.model)
            await _every_duty_is_there_and_ended_as_it_should(connection, self.model)
            await _every_figure_is_right(connection, self.model, self.at)
            await _the_log_is_whole(connection)
            await _reminders_were_in_order(connection)


async def _pool(url: str) -> "asyncpg.Pool[Any]":
    return await asyncpg.create_pool(url, min_size=1, max_size=2)


async def _queries_are_where_they_should_be(connection: Any, model: Model) -> None:
    rows = await connection.fetch(
        "SELECT id, state, address, due, original_due, duty, forwards, proposed_due FROM message WHERE type = 'query'"
    )
    assert {row["id"]: tuple(row)[1:] for row in rows} == {
        id: (
            life.state,
            life.address,
            life.due,
            life.query.due,
            life.number,
            life.forwards,
            life.proposed,
        )
        for id, life in model.lives.items()
    }


async def _every_duty_is_there_and_ended_as_it_should(connection: Any, model: Model) -> None:
    rows = await connection.fetch("SELECT query_id, number, address, recipient, period, ended_as, ended_at FROM duty")
    assert {tuple(row)[:2]: tuple(row)[2:] for row in rows} == {
        (id, number): (duty.address, duty.recipient, duty.period, duty.ended, duty.ended_at)
        for id, life in model.lives.items()
        for number, duty in enumerate(life.duties)
    }


async def _every_figure_is_right(connection: Any, model: Model, at: datetime) -> None:
    assert await broken_cohorts(connection) == []
    assert await miscounted_cohorts(connection) == []
    figures = model.figures()
    assert await _table(connection, "cohort") == figures
    closed: dict[Any, Any] = {}
    for of_one_month in model.closed.values():
        closed |= of_one_month
    assert await _table(connection, "closed_cohort") == closed
    assert {row[0] for row in await connection.fetch("SELECT period FROM closing")} == model.closed.keys()
    for period, area in itertools.product(sorted({key[4] for key in figures}), ("%", "41%", "410103")):
        span = CALENDAR.span(period)
        for role in ("recipient", "sender"):
            counters = await connection.fetch(READING["figures_of_periods"], role, [period], area, None)
            counted = await connection.fetch(
                READING[f"figures_as_{role}"], area, span.start, span.end, max(at, span.start), None
            )
            assert _by_tier(counters) == _by_tier(counted)


async def _table(connection: Any, table: str) -> dict[Any, Any]:
    rows = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608 - one of two names above.
    return {tuple(row[name] for name in KEY): +Counter({name: row[name] for name in COUNTERS}) for row in rows}


def _by_tier(rows: list[Any]) -> dict[str, dict[str, int]]:
    return {row["tier"]: {name: row[name] for name in COUNTERS} for row in rows}


async def _the_log_is_whole(connection: Any) -> None:
    entries = await connection.fetch("SELECT index, at, event, message_id FROM entry ORDER BY index")
    assert [entry["index"] for entry in entries] == list(range(len(entries)))
    assert len(entries) == await connection.fetchval("SELECT size FROM log_head")
    assert all(a["at"] <= b["at"] for a, b in itertools.pairwise(entries))
    states: dict[UUID, State] = {}
    for entry in entries:
        event, id = Event(entry["event"]), entry["message_id"]
        if event not in (Event.REFUSED, Event.CLOSED):
            states[id] = TRANSITIONS[states.get(id), event]
    assert states == {row["id"]: row["state"] for row in await connection.fetch("SELECT id, state FROM message")}


async def _reminders_were_in_order(connection: Any) -> None:
    """No step twice to one recipient for one date, never within the cool-down, and no silence promised for later."""
    reminded: defaultdict[tuple[Any, Any], list[Any]] = defaultdict(list)
    steps: Counter[tuple[Any, ...]] = Counter()
    dates: Counter[UUID] = Counter()
    for entry in await connection.fetch("SELECT at, event, message_id AS id, data FROM entry ORDER BY index"):
        data = json.loads(entry["data"])
        if entry["event"] == Event.EXTENDED:
            dates[entry["id"]] += 1
        if entry["event"] == Event.REMINDED:
            reminded[entry["id"], data["duty"]].append(entry["at"])
        if "number" in data:
            steps[entry["id"], data["duty"], dates[entry["id"]], data["number"]] += 1
    assert all(count == 1 for count in steps.values())
    for times in reminded.values():
        assert all(later - earlier >= COOLDOWN for earlier, later in itertools.pairwise(times))
    waiting = await connection.fetch("SELECT state FROM message WHERE remind_at IS NOT NULL")
    assert {row["state"] for row in waiting} <= OPEN


@pytest.mark.timeout(1800)
def test_random_lives_are_counted_as_the_model_counts_them(database_server: str, migrated_template: str) -> None:
    class Lives(LivesOnADatabase):
        server, template = database_server, migrated_template

    usual = settings().max_examples
    run_state_machine_as_test(Lives, settings=settings(max_examples=usual // 2, stateful_step_count=40, deadline=None))
