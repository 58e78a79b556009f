"""How long a proof takes as the log grows: it should take the same."""

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg

from contracts.batch import Admitted
from contracts.notes import SigningKey
from contracts.period import Calendar
from services.ledger.proofs import FiguresClaim, prove_figures, prove_message
from services.ledger.publishing import Publisher
from services.ledger.sequencer import Sequencer
from services.ledger.store.provision import provision
from services.ledger.store.queries import READING
from tests.bench.history import BATCH, History
from tests.bench.measuring import ROUNDS, Series, percentile, ratios
from tests.bench.saying import say
from tests.bench.table import Figure
from tests.conftest import execute, in_database
from tests.faults.harness.servers import Servers
from tests.integration.ledger.unwitnessed import NoWitnesses

SIZES = (10_000, 100_000, 1_000_000)
PROOFS = 200
_CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"), 21, 27, 12)
_ORIGIN = "huizhi.bench/national/0"
_DATABASE = "huizhi_bench_proofs"


async def proofs_case(servers: Servers, _directory: Path) -> list[Figure]:
    """How long proofs take at each size of the log, and how much longer at the last than at the first."""
    figures = []
    for name, times in (await proof_times(servers.database)).items():
        figures += [Figure(f"proof of {name}, {size:,} entries", "ms", times[size]) for size in SIZES]
        growth = ratios(times[SIZES[-1]], times[SIZES[0]])
        figures.append(Figure(f"proof of {name}, growth", "times", growth, at_most=1.5, note="last size / first"))
    return figures


async def proof_times(server: str) -> dict[str, dict[int, Series]]:
    """Milliseconds at p50 of a message's proof and of a district's figures', by the log's size, ``ROUNDS`` times."""
    async with _ledger(server) as (pool, history):
        publisher = Publisher(pool, _ORIGIN, [SigningKey.generate(_ORIGIN)], NoWitnesses())
        measured: dict[str, dict[int, Series]] = {"message": {}, "figures": {}}
        asked: list[Admitted] = []
        present = 0
        for size in SIZES:
            asked += await history.round_trips(100)
            present += 400
            while present < size:
                batch = min(BATCH, -(-(size - present) // 4))
                await history.round_trips(batch)
                present += 4 * batch
                if present % 100_000 < 4 * batch:
                    say(f"{present:,} entries")
            await execute(in_database(server, _DATABASE), "VACUUM ANALYZE")
            await publisher.publish()
            for name, prove in (("message", _message(pool, asked)), ("figures", _figures(pool))):
                measured[name][size] = Series(tuple([await _p50(prove) for _ in range(ROUNDS)]))
                say(f"{name} at {size:,} entries: {measured[name][size].median:.2f} ms at p50")
        return measured


def _message(pool: "asyncpg.Pool[asyncpg.Record]", asked: list[Admitted]) -> Callable[[], Awaitable[object]]:
    async def prove() -> object:
        id = random.choice(asked).id
        async with pool.acquire() as connection:
            indexes = [row["index"] for row in await connection.fetch(READING["timeline"], id)]
        return await prove_message(pool, id, indexes)

    return prove


def _figures(pool: "asyncpg.Pool[asyncpg.Record]") -> Callable[[], Awaitable[object]]:
    async def prove() -> object:
        period = _CALENDAR.period_of(datetime.now(UTC))
        return await prove_figures(pool, FiguresClaim("410101", "recipient", period, None))

    return prove


async def _p50(prove: Callable[[], Awaitable[object]]) -> float:
    times = []
    for _ in range(PROOFS):
        began = time.perf_counter()
        await prove()
        times.append(1000 * (time.perf_counter() - began))
    return percentile(times, 0.5)


@asynccontextmanager
async def _ledger(server: str) -> AsyncIterator[tuple["asyncpg.Pool[asyncpg.Record]", History]]:
    url = in_database(server, _DATABASE)
    await execute(server, f'CREATE DATABASE "{_DATABASE}"')
    await provision(url, {})
    try:
        async with asyncpg.create_pool(url, min_size=1, max_size=4) as pool:
            sequencer = Sequencer(pool, _CALENDAR, lambda address: address, lambda _name: None)
            yield pool, History(sequencer)
    finally:
        await execute(server, f'DROP DATABASE "{_DATABASE}" WITH (FORCE)')
