"""What a query costs: processor time of each part, bytes in database and broker, and the memory of the services."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from tests.bench.ceiling import raw_hops
from tests.bench.exchange import exchange
from tests.bench.measuring import ROUNDS, Series
from tests.bench.saying import say
from tests.bench.stored import Stored, occupied_bytes
from tests.bench.table import Figure
from tests.bench.throughput import Round
from tests.bench.usage import peak_mib, pids
from tests.faults.harness.servers import Servers

QUERIES = 50_000
MOST_MIB = 300
PARTS = ("broker", "gateway", "ledger", "router", "database")


async def cost_case(servers: Servers, directory: Path, queries: int = QUERIES) -> list[Figure]:
    """On its way to its recipient, at full load, with its receipt and its report."""
    async with exchange(servers, directory) as running:
        rounds: list[Round] = []
        stored: list[Stored] = []
        for number in range(ROUNDS):
            before = await Stored.now(running)
            rounds.append(await running.queries(queries))
            stored.append((await Stored.now(running)).since(before, queries))
            say(f"cost, round {number + 1}: {', '.join(f'{part} {rounds[-1].cpu_us(part):.0f} µs' for part in PARTS)}")
        peaks = {name: peak_mib(pid) for name, pid in pids(running.stack).items() if name != "database"}
    return [
        *(Figure(f"CPU of {part}", "µs/query", Series(tuple(one.cpu_us(part) for one in rounds))) for part in PARTS),
        Figure("CPU of them all", "µs/query", Series(tuple(one.cpu_us(*PARTS) for one in rounds))),
        *_stored(stored),
        Figure(
            "broker's disk while it waits",
            "bytes/query",
            Series((await _piled_up(servers, queries),)),
            note="growth of the broker's files with an undelivered backlog in one quorum queue",
        ),
        *(
            Figure(f"peak memory of {name}", "MiB", Series((peak,)), at_most=None if name == "broker" else MOST_MIB)
            for name, peak in peaks.items()
        ),
    ]


def _stored(stored: Sequence[Stored]) -> list[Figure]:
    database = Series(tuple(one.database for one in stored))
    database_log = Series(tuple(one.database_log for one in stored))
    broker = Series(tuple(one.broker for one in stored))
    return [
        Figure("database, kept", "bytes/query", database, note="tables and indexes, growth of pg_database_size"),
        Figure("database, written to its log", "bytes/query", database_log, note="WAL, which is recycled"),
        Figure("broker, written", "bytes/query", broker, note="write_bytes of its process, over all queues on the way"),
    ]


async def _piled_up(servers: Servers, messages: int) -> float:
    assert servers.directory is not None, "the broker's files are known where it is private"
    data = servers.directory / "broker" / "data"
    async with raw_hops(servers) as hops:
        before = await asyncio.to_thread(occupied_bytes, data)
        await hops.pile_up(messages)
        return (await asyncio.to_thread(occupied_bytes, data) - before) / messages
