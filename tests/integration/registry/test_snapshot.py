"""The snapshot follows the registry, and outlives the database being away."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest_asyncio

from contracts.kinds import built_in_kinds
from services.registry.editions import import_directory
from services.registry.kinds import add_absent_kinds
from services.registry.provision import FIRST_VERSION
from services.registry.snapshot import Snapshot, SnapshotWatcher, TokenOwner
from services.registry.tokens import ensure_administrator_token
from services.registry.transactions import Connection
from tests.integration.registry.conftest import Exchange

FAST = 0.05


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database, min_size=1, max_size=2) as pool:
        yield pool


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the condition is only known by asking.
            await asyncio.sleep(0.01)


async def test_the_snapshot_follows_participants_and_tokens(exchange: Exchange, pool: asyncpg.Pool) -> None:
    seen: list[int] = []
    async with SnapshotWatcher(pool, FAST) as watcher:
        watcher.on_change(lambda snapshot: seen.append(snapshot.version))
        first = watcher.current
        assert first.nearest("410102") is None
        credentials = await exchange.participants.add("4101")
        await until(lambda: watcher.current.nearest("410102") is not None)
        second = watcher.current
        assert second.nearest("410102.health") == second.participants["4101"]
        assert second.owner_of(credentials.token) == TokenOwner("participant", "4101")
        assert second.owner_of("another") is None
        assert second.owner_of("\ud800") is None
        assert (second.directory is first.directory, second.kinds == first.kinds) == (True, True)
        assert first.nearest("410102") is None
        await exchange.participants.disable("4101")
        await until(lambda: not watcher.current.participants["4101"].active)
    assert seen == sorted(set(seen))
    assert len(seen) == 2


async def test_the_snapshot_follows_the_directory_the_kinds_and_the_administrator(
    henan: Connection, pool: asyncpg.Pool
) -> None:
    async with SnapshotWatcher(pool, FAST) as watcher:
        assert watcher.current.directory.resolve("412401").address == "410202"
        assert watcher.current.kinds == {}
        await add_absent_kinds(henan, built_in_kinds(), actor="test")
        await until(lambda: "certificate.verify" in watcher.current.kinds)
        await ensure_administrator_token(henan, "a token", actor="test")
        await until(lambda: watcher.current.owner_of("a token") == TokenOwner("administrator", None))
        rows = "code,name,level,parent\n410102,中原区,county,4101\n410103,二七区,county,4101\n"
        await import_directory(henan, [("counties.csv", rows.encode())], actor="test")
        await until(lambda: watcher.current.directory.resolve("410202").status == "retired")


async def test_the_last_snapshot_stays_while_the_database_is_away(
    henan: Connection, pool: asyncpg.Pool, database: str, database_server: str
) -> None:
    async with SnapshotWatcher(pool, FAST) as watcher:
        before = watcher.current
        await shut(database_server, database)
        await until(lambda: watcher.age_seconds > 10 * FAST)
        assert watcher.current is before
        await open_again(database_server, database)
        await until(lambda: watcher.age_seconds < 4 * FAST)
        async with pool.acquire() as connection:
            await add_absent_kinds(connection, built_in_kinds(), actor="test")
        await until(lambda: len(watcher.current.kinds) > 0)


async def test_entering_waits_for_a_registry_that_is_not_provisioned_yet(database: str, pool: asyncpg.Pool) -> None:
    async def current_version() -> int:
        async with SnapshotWatcher(pool, FAST) as watcher:
            return watcher.current.version

    entering = asyncio.create_task(current_version())
    done, _ = await asyncio.wait([entering], timeout=10 * FAST)
    assert not done
    async with pool.acquire() as connection:
        await connection.execute(FIRST_VERSION)
    assert await asyncio.wait_for(entering, 20) == 0


async def test_reading_the_whole_directory_never_holds_the_event_loop_for_long(
    carried: Connection, pool: asyncpg.Pool
) -> None:
    async def load() -> Snapshot:
        async with SnapshotWatcher(pool, FAST) as watcher:
            return watcher.current

    # The collector is to look only through what the loading makes, not through all that a test run has in memory.
    gc.collect()
    gc.freeze()
    try:
        longest, snapshot = await longest_step(load)
    finally:
        gc.unfreeze()
    assert len(snapshot.directory) == 41_963
    # Measured: 12 to 20 ms; with all rows in one step, 45 to 58 ms.
    assert longest < 0.04


async def longest_step(work: Callable[[], Awaitable[Snapshot]]) -> tuple[float, Snapshot]:
    """The most CPU seconds that this thread spent between two turns of the loop; other processes do not count."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    result = await work()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return longest, result


async def shut(server_url: str, database_url: str) -> None:
    """Make one database of the server refuse everyone, and end who is in it."""
    name = urlsplit(database_url).path.removeprefix("/")
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    await connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
    await connection.close()


async def open_again(server_url: str, database_url: str) -> None:
    name = urlsplit(database_url).path.removeprefix("/")
    connection = await asyncpg.connect(server_url)
    await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    await connection.close()
