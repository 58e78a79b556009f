"""A ledger's database as its services use it: each as its own role."""

import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest_asyncio

from services.ledger.store.provision import provision
from services.ledger.store.roles import role_name


@pytest_asyncio.fixture
async def ledger_url(database: str) -> str:
    """The URL with which a ledger service connects: its own role, not the owner's."""
    password = secrets.token_urlsafe(16)
    await provision(database, {"ledger": password})
    parts = urlsplit(database)
    name = parts.path.removeprefix("/")
    server = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role_name(name, 'ledger')}:{password}@{server}"))


@pytest_asyncio.fixture
async def pool(ledger_url: str) -> AsyncIterator[asyncpg.Pool]:
    """A ledger's connections."""
    async with asyncpg.create_pool(ledger_url, min_size=1, max_size=4) as opened:
        yield opened
