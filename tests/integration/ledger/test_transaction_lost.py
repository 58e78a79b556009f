"""A transaction whose connection is lost says so."""

import asyncpg
import pytest

from services.ledger.store.faults import is_away
from services.ledger.store.transaction import transaction


async def lose_the_connection(pool: asyncpg.Pool) -> None:
    """Have the server end a connection in the middle of its transaction."""
    async with pool.acquire() as connection, transaction(connection):
        await pool.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        await connection.execute("SELECT pg_sleep(60)")


async def test_a_connection_that_the_server_ends_in_a_transaction_is_named_as_closed(database: str) -> None:
    async with asyncpg.create_pool(database, min_size=2, max_size=2) as pool:
        with pytest.raises(asyncpg.InterfaceError, match="connection is closed") as caught:
            await lose_the_connection(pool)

    assert is_away(caught.value)
