"""The figures of custody on a real database: they are those of the messages behind them."""

import statistics
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest

from contracts.batch import Admitted
from contracts.period import Calendar
from contracts.wire import CustodyOut
from services.ledger.held import custody_of
from services.ledger.sequencer import Sequencer
from services.ledger.store.queries import READING
from tests.integration.ledger.records import answer, dispatched, intake, query

COUNT = 12
# Queries are made older, each a little more than the one before; time cannot pass in a test.
AGED = """
WITH numbered AS (SELECT id, row_number() OVER (ORDER BY accepted_entry) AS number FROM message WHERE type = 'query')
UPDATE message AS m SET taken_at = taken_at - interval '80 hours' - number * interval '7 minutes',
       dispatched_at = dispatched_at - interval '80 hours',
       acknowledged_at = acknowledged_at - number * interval '3 hours'
  FROM numbered WHERE numbered.id = m.id
"""


def reply(type: str, to: Admitted, **said: Any) -> Admitted:
    return msgspec.structs.replace(answer(to), type=type, outcome=None, **said)


async def messages(pool: asyncpg.Pool, ids: list[Any], now: datetime) -> list[list[CustodyOut]]:
    found = []
    for id in ids:
        row = await pool.fetchrow(READING["message"], id)
        assert row is not None
        found.append(custody_of(row, await pool.fetch(READING["past_duties"], id), now))
    return found


async def test_the_figures_of_a_jurisdiction_are_those_of_its_messages(pool: asyncpg.Pool, database: str) -> None:
    sequencer = Sequencer(pool, Calendar(ZoneInfo("Asia/Shanghai")), lambda address: address, lambda _name: None)
    queries = [query() for _ in range(COUNT)]
    await sequencer.take([intake(*queries)])
    await sequencer.take([dispatched(*queries)])
    await sequencer.take([intake(*(reply("acknowledgement", one) for one in queries[:6]))])
    await sequencer.take([intake(*(answer(one) for one in queries[3:8]))])
    await sequencer.take([intake(reply("forward", queries[8], written_to="410103", address="410103"))])
    withdrawal = reply("withdrawal", queries[9], sender="310115", submitter="310115", origin="310115")
    await sequencer.take([intake(withdrawal)])
    owner = await asyncpg.connect(database)
    await owner.execute(AGED)
    await owner.close()

    now = datetime.now(UTC)
    together, *addresses = await pool.fetch(
        READING["custody"], "41%", datetime(2000, 1, 1, tzinfo=UTC), now, now, None, None, 100
    )
    held: dict[str, list[float]] = defaultdict(list)
    for stretches in await messages(pool, [one.id for one in queries], now):
        # On the way to somebody who has not received it, it belongs to nobody's figures yet.
        received = stretches if stretches[-1].holder != "exchange" else stretches[:-1]
        for stretch in received:
            held[stretch.stage].append(stretch.seconds)

    assert (together["received"], together["running"]) == (COUNT, COUNT - 7)
    assert {stage: len(seconds) for stage, seconds in held.items()} == {
        "exchange": COUNT,
        "before-acknowledgement": COUNT,
        "after-acknowledgement": 6,
    }
    for stage, seconds in held.items():
        name = stage.replace("-", "_")
        assert together[f"{name}_count"] == len(seconds)
        assert together[f"{name}_median"] == pytest.approx(statistics.median(seconds), abs=1e-3)
        ninth = statistics.quantiles(seconds, n=10, method="inclusive")[8]
        assert together[f"{name}_p90"] == pytest.approx(ninth, abs=1e-3)
    assert [(row["address"], row["received"]) for row in addresses] == [("410102", COUNT)]


async def test_nothing_received_has_no_median(pool: asyncpg.Pool) -> None:
    now = datetime.now(UTC)
    (together,) = await pool.fetch(READING["custody"], "%", datetime(2000, 1, 1, tzinfo=UTC), now, now, None, None, 100)
    assert (together["received"], together["running"], together["exchange_median"]) == (0, 0, None)
