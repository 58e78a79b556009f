"""The database driver's types as the ledger uses them: a connection of its own or lent by the pool, and a row."""

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection = asyncpg.Connection | PoolConnectionProxy
Row = asyncpg.Record
