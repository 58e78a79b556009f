"""Limits on how long a transaction may take, at either end of a line over which nothing comes any more.

A proxy or firewall between ledger and database may keep a line open that carries nothing, and a writer may be paused.
TCP does not notice either.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from services.ledger.store.connection import Connection


@asynccontextmanager
async def borrowed(pool: "asyncpg.Pool[Any]", seconds: float) -> AsyncIterator[Connection]:
    """A connection of the pool, cut when the block takes longer than ``seconds``; what waits on it then raises one of
    asyncpg's errors.

    The line is cut, nothing is cancelled: a COMMIT that the server has is done, and its outcome is unknown here. It may
    take as long to get the connection, and to give it back: the pool resets it first, which asks the server. Raises
    TimeoutError.
    """
    async with pool.acquire(timeout=seconds) as connection:
        cutting = asyncio.get_running_loop().call_later(seconds, connection.terminate)
        try:
            yield connection
        finally:
            cutting.cancel()


@asynccontextmanager
async def statement_limit(connection: Connection, seconds: float) -> AsyncIterator[None]:
    """Inside a transaction: have the server end it when one of its statements takes longer than ``seconds``.

    One whose client has cut the line would otherwise wait for its lock on and on, and use up a connection. The COMMIT
    is not limited: one that is cancelled while it waits for a standby has happened all the same.
    """
    await connection.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
    yield
    await connection.execute("SET LOCAL statement_timeout = 0")
