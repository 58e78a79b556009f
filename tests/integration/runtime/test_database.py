"""The pool: its connections' settings, waiting for a server, and the truth about it."""

import asyncio
import time

import asyncpg
import pytest

from services.runtime import database
from services.runtime.database import DatabaseUnavailable, database_check, open_pool
from services.runtime.health import Health
from services.runtime.settings import DatabaseSettings
from tests.faults.harness.proxy import proxied
from tests.faults.harness.stack import at


async def test_its_connections_are_named_and_cannot_hold_locks_by_idling(empty_database: str) -> None:
    async with open_pool(DatabaseSettings(url=empty_database), application_name="huizhi-test") as pool:
        assert await pool.fetchval("SHOW application_name") == "huizhi-test"
        assert await pool.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"
        assert await pool.fetchval("SHOW statement_timeout") == "0"
        assert await pool.fetchval("SHOW synchronous_commit") == "on"
        assert await pool.fetchval("SHOW timezone") == "UTC"


async def test_readers_are_given_a_limit(empty_database: str) -> None:
    settings = DatabaseSettings(url=empty_database)
    async with open_pool(settings, application_name="reader", statement_timeout_s=0.05) as pool:
        with pytest.raises(asyncpg.QueryCanceledError):
            await pool.execute("SELECT pg_sleep(5)")


async def test_a_database_that_stays_away_is_given_up_with_what_to_do() -> None:
    settings = DatabaseSettings(url="postgresql://a:secret@127.0.0.1:1/none", start_timeout_s=0.5)
    started = time.perf_counter()

    with pytest.raises(DatabaseUnavailable, match="check HUIZHI_DATABASE_URL") as caught:
        async with open_pool(settings, application_name="test"):
            pass

    assert time.perf_counter() - started < 10
    assert "secret" not in str(caught.value)


async def test_the_check_tells_whether_the_database_answers(empty_database: str) -> None:
    health = Health()
    async with open_pool(DatabaseSettings(url=empty_database), application_name="test") as pool:
        health.add("database", database_check(pool))
        assert (await health.readiness()).ready

        await pool.close()
        readiness = await health.readiness()

    assert not readiness.ready
    assert readiness.checks["database"] is not None


async def test_a_reader_whose_line_carries_nothing_any_more_is_given_another(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LINE_SECONDS", 0.2)
    async with proxied(empty_database) as proxy:
        settings = DatabaseSettings(url=at(empty_database, proxy.place), pool_size=1)
        async with open_pool(settings, application_name="reader", statement_timeout_s=0.3) as pool:
            assert await pool.fetchval("SELECT 1") == 1
            proxy.freeze()
            # With one connection in the pool, that it answers again means that the silent one was given up.
            with pytest.raises(TimeoutError):
                await pool.fetchval("SELECT 2")
            assert await asyncio.wait_for(pool.fetchval("SELECT 3"), timeout=20) == 3
