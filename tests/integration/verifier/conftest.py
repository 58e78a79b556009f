"""A real ledger with a real log, and its owner, who may do anything to the database behind the ledger's back."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest_asyncio

from tests.conftest import execute, in_database
from tests.integration.ledger.conftest import ledger_url, pool
from tests.integration.ledger.past import CALENDAR, Past
from tests.integration.verifier.logs import Owner, Site

__all__ = ["ledger_url", "pool"]

Copy = Callable[[Site], Awaitable[Site]]


@pytest_asyncio.fixture
async def site(pool: asyncpg.Pool) -> Site:
    """A log with everything in it, published: a closed month, late answers, forwards, withdrawals, what is open."""
    site = Site(pool, Past(pool, CALENDAR.span("2026-10").start))
    await fill(site.past)
    await site.publish()
    return site


@pytest_asyncio.fixture
async def owner(database: str) -> AsyncIterator[Owner]:
    """The database's owner, for whom no trigger holds."""
    connection = await asyncpg.connect(database)
    # Neither triggers nor foreign keys stop who may set this.
    await connection.execute("SET session_replication_role = replica")
    yield Owner(connection)
    await connection.close()


@pytest_asyncio.fixture
async def copy(database: str, ledger_url: str, database_server: str) -> AsyncIterator[Copy]:
    """Another ledger of the same key, on a copy of the database as it is now, as a backup would be."""
    name = f"huizhi_test_{secrets.token_hex(6)}"
    source = database.rpartition("/")[2]
    async with AsyncExitStack() as exits:

        async def made(site: Site) -> Site:
            # No one may be connected to what is copied.
            await site.pool.close()
            await execute(database_server, f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
            exits.push_async_callback(execute, database_server, f'DROP DATABASE "{name}" WITH (FORCE)')
            site.open(await exits.enter_async_context(asyncpg.create_pool(ledger_url, min_size=1, max_size=4)))
            url = in_database(database_server, name)
            copied = await exits.enter_async_context(asyncpg.create_pool(url, min_size=1, max_size=4))
            return Site(copied, site.past, site.key)

        yield made


async def fill(past: Past) -> None:
    """Two months, of which the first is closed."""
    for number in range(6):
        first, second, third, fourth = await past.ask("410102", "410103", "410102", "420102", sender="310115")
        past.now += timedelta(hours=1)
        await past.answer(first, second, outcome=("confirmed", "not-found")[number % 2])
        if number % 3 == 0:
            await past.forward(third, "410202")
            await past.withdraw(fourth)
        past.now += timedelta(days=4)
    past.now = CALENDAR.cutoff("2026-10") + timedelta(days=1)
    await past.close("2026-10")
    late = [duty for duty in past.duties if duty.ended_at is None]
    await past.answer(late[0])
    past.now += timedelta(hours=1)
    newer = await past.ask("410102", "410103", sender="410202")
    await past.answer(newer[0])
