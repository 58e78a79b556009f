"""One way to change the registry: a transaction that moves its version and puts the action on record."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from services.registry.errors import NotProvisioned

# In quotes, because the classes take a parameter only in the type stubs.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Part = Literal["directory", "participants", "kinds"]

MOVE_VERSION = """
UPDATE registry_version SET
    version = version + 1,
    directory = CASE WHEN $1 = 'directory' THEN version + 1 ELSE directory END,
    participants = CASE WHEN $1 = 'participants' THEN version + 1 ELSE participants END,
    kinds = CASE WHEN $1 = 'kinds' THEN version + 1 ELSE kinds END
RETURNING version
"""
RECORD = "INSERT INTO administration (actor, action, target, detail) VALUES ($1, $2, $3, $4::text::jsonb)"


@asynccontextmanager
async def changing(connection: Connection, part: Part) -> AsyncIterator[None]:
    """A transaction that changes one part of the registry.

    It takes the version's row first, so that changes wait for each other and nobody sees a version without its rows.
    """
    async with connection.transaction():
        if await connection.fetchval(MOVE_VERSION, part) is None:
            raise NotProvisioned("the database holds no registry yet: start the exchange once with `huizhi up`")
        yield


async def record(connection: Connection, actor: str, action: str, target: str, detail: Mapping[str, object]) -> None:
    """Put an administrator's action on record, inside the transaction of the action."""
    await connection.execute(RECORD, actor, action, target, json.dumps(dict(detail), ensure_ascii=False))
