"""Ledgers with a real database and publisher, which grow when they are told to, and copies of them."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import asyncpg
from prometheus_client import CollectorRegistry

from contracts.checkpoints import Checkpoint, open_checkpoint
from contracts.notes import Note, SigningKey
from contracts.period import Calendar
from services.ledger.metrics import LedgerMetrics
from services.ledger.publishing import Publisher
from services.ledger.sequencer import Sequencer
from services.ledger.store import tiles
from services.ledger.witness_file import WitnessAddress
from services.ledger.witnesses import Witnesses, log_size_of
from services.runtime.metrics import render, service_registry
from tests.conftest import execute, in_database
from tests.integration.ledger.records import dispatched, intake, query

ORIGIN = "huizhi.local/national/0"
KEY = SigningKey.generate(ORIGIN)
_COUNTED = "huizhi_ledger_witness_requests_total"


@dataclass(slots=True)
class Platform:
    """One ledger, wired as the service wires it."""

    pool: asyncpg.Pool
    publisher: Publisher
    registry: CollectorRegistry

    async def grow(self, queries: int) -> None:
        """Two entries for each query."""
        calendar = Calendar(ZoneInfo("Asia/Shanghai"))
        sequencer = Sequencer(self.pool, calendar, lambda address: address, lambda _name: None)
        asked = [query() for _ in range(queries)]
        await sequencer.take([intake(*asked), dispatched(*asked)])

    async def publish(self) -> tuple[Checkpoint, Note]:
        """Publish, and read what stands in the database then."""
        await self.publisher.publish()
        async with self.pool.acquire() as connection:
            published = await tiles.published(connection)
        assert published is not None
        return open_checkpoint(published.note, [KEY.verifier], ORIGIN)

    def counted(self, outcome: str) -> int:
        """How many requests to witnesses came to that."""
        lines = render(self.registry).decode().splitlines()
        return next(
            int(float(line.split()[-1])) for line in lines if line.startswith(f'{_COUNTED}{{outcome="{outcome}"')
        )


@asynccontextmanager
async def platform(url: str, witnesses: Sequence[WitnessAddress], *, timeout_s: float = 2.0) -> AsyncIterator[Platform]:
    """The ledger of the database at ``url``, with these witnesses."""
    registry = service_registry("ledger")
    async with (
        asyncpg.create_pool(url, min_size=1, max_size=3) as pool,
        Witnesses(witnesses, LedgerMetrics(registry), log_size_of(pool), timeout_s) as cosigner,
    ):
        yield Platform(pool, Publisher(pool, ORIGIN, [KEY], cosigner), registry)


@asynccontextmanager
async def copied(server: str, url: str) -> AsyncIterator[str]:
    """A copy of the database at ``url``, to which nobody is connected: a backup, or a second ledger's beginning."""
    name = f"huizhi_copy_{secrets.token_hex(6)}"
    original = urlsplit(url).path.removeprefix("/")
    await execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{original}"')
    yield in_database(server, name)
    await execute(server, f'DROP DATABASE "{name}" WITH (FORCE)')
