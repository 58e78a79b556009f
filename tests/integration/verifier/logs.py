"""A ledger's log as it is served, and what its operator can do to it in the database."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from contracts.checkpoints import Checkpoint
from contracts.directory import Directory
from contracts.leaf import Leaf, encode_leaf
from contracts.merkle import leaf_hash, root_of
from contracts.notes import Note, SigningKey
from contracts.tiles import TILE_WIDTH
from services.ledger.log_api import log_router
from services.ledger.publishing import Publisher
from services.registry.snapshot import Snapshot
from services.runtime.health import Health
from services.runtime.http import create_app
from services.runtime.metrics import service_registry
from services.verifier.result import Result
from services.verifier.source import HTTPSource
from services.verifier.state import State
from services.verifier.verify import verify
from tests.integration.ledger.past import Past
from tests.integration.ledger.unwitnessed import NoWitnesses

ORIGIN = "huizhi.test/national/0"
URL = "http://ledger.test"


class Site:
    """A ledger, its key, and the application that serves its log."""

    def __init__(self, pool: asyncpg.Pool, past: Past, key: SigningKey | None = None) -> None:
        self.past = past
        self.key = key or SigningKey.generate(ORIGIN)
        self.altered: Callable[[str, bytes], bytes] = lambda _path, content: content
        self.served: dict[str, bytes] = {}
        self.open(pool)

    def open(self, pool: asyncpg.Pool) -> None:
        """Write, publish and serve over these connections."""
        self.pool = pool
        self.past = replace(self.past, pool=pool, duties=list(self.past.duties))
        self._publisher = Publisher(pool, ORIGIN, [self.key], NoWitnesses())
        registry = service_registry("ledger")
        self._app = create_app("Test", "A test.", health=Health(), registry=registry, max_body_bytes=1024)
        snapshot = Snapshot(version=1, directory=Directory.of([], []), kinds={}, participants={}, tokens={})
        self._app.include_router(log_router(pool, lambda: snapshot, [self.key.verifier], "public"))

    async def publish(self) -> None:
        """Publish the log as it is now."""
        await self._publisher.publish()

    async def verify(self, state: Path | None = None) -> Result:
        """What the verifier says of what is served."""
        transport = _Altering(httpx.ASGITransport(self._app, raise_app_exceptions=False), self)
        async with HTTPSource(URL, transport=transport, pause_s=0.0) as source:
            with State(state) as memory:
                return await verify(source, [self.key.verifier], memory, lambda _done, _total: None)


class _Altering(httpx.AsyncBaseTransport):
    """Somebody on the line, who may alter every file."""

    def __init__(self, inner: httpx.AsyncBaseTransport, site: Site) -> None:
        self._inner = inner
        self._site = site

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        content = await answer.aread()
        path = request.url.path
        if answer.status_code == httpx.codes.OK:
            self._site.served[path] = content
            content = self._site.altered(path, content)
        return httpx.Response(answer.status_code, content=content)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log."""

    index: int
    at: datetime
    event: str
    message_id: UUID | None
    data: dict[str, Any]


class Owner:
    """Whoever owns the database."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self.execute = connection.execute
        self.fetchval = connection.fetchval
        self.connection = connection

    async def entries(self) -> list[Entry]:
        """The whole log."""
        rows = await self.connection.fetch("SELECT index, at, event, message_id, data FROM entry ORDER BY index")
        return [Entry(**{**dict(row), "data": json.loads(row["data"])}) for row in rows]

    async def entry(self, event: str, *, last: bool = False) -> Entry:
        """The first or last entry of an event that moves figures."""
        found = [one for one in await self.entries() if one.event == event and "totals" in one.data]
        return found[-1 if last else 0]

    async def change(self, index: int, **data: Any) -> None:
        """Merge something into what an entry says."""
        await self.execute("UPDATE entry SET data = data || $2::jsonb WHERE index = $1", index, json.dumps(data))

    async def sign_anew(self, key: SigningKey) -> None:
        """Make everything agree with the entries as they are now, and sign it: all that an operator with the key can
        do.
        """
        entries = await self.entries()
        hashes = []
        for place, one in enumerate(entries):
            hashes.append(leaf_hash(encode_leaf(Leaf(place, one.at, one.event, one.message_id, one.data))))
            await self.execute(
                "UPDATE entry SET index = $2, leaf_hash = $3 WHERE index = $1", one.index, place, hashes[-1]
            )
        await self.execute("DELETE FROM tree_tile")
        row, level = hashes, 0
        while row:
            if level:
                for at in range(0, len(row), TILE_WIDTH):
                    part = b"".join(row[at : at + TILE_WIDTH])
                    await self.execute("INSERT INTO tree_tile VALUES ($1, $2, $3)", level, at // TILE_WIDTH, part)
            full = range(0, len(row) - TILE_WIDTH + 1, TILE_WIDTH)
            row, level = [root_of(row[at : at + TILE_WIDTH]) for at in full], level + 1
        checkpoint = Checkpoint(key.name, len(hashes), root_of(hashes))
        note = Note(checkpoint.text, (key.sign(checkpoint.text),))
        await self.execute(
            "UPDATE checkpoint SET size = $1, root = $2, note = $3, published_at = $4",
            *(checkpoint.size, checkpoint.root, str(note), datetime.now(UTC)),
        )
        await self.execute("UPDATE log_head SET size = $1", checkpoint.size)
