"""A ledger whose log is published: the real sequencer and publisher, and the API over them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import asyncpg
import httpx

from contracts.batch import LedgerBatch
from contracts.checkpoints import Checkpoint, open_checkpoint
from contracts.notes import Note, Signature, SigningKey, VerifierKey
from services.ledger.api import ledger_router
from services.ledger.log_api import log_router
from services.ledger.ordering import Ordering
from services.ledger.periods_api import periods_router
from services.ledger.proofs_api import proofs_router
from services.ledger.publishing import Consistency, Cosigner, Publisher
from services.ledger.records import Decision
from services.ledger.sequencer import Sequencer
from services.registry.snapshot import Snapshot, TokenOwner
from services.registry.tokens import token_hash
from services.runtime.amqp.broker import AioPikaBroker
from services.runtime.health import Health
from services.runtime.http import create_app
from services.runtime.metrics import service_registry
from tests.integration.ledger.asking import DIRECTORY
from tests.integration.ledger.unwitnessed import NoWitnesses
from tests.unit.ledger.lives import CALENDAR, KINDS

ORIGIN = "huizhi.example/national/0"
ADDRESSES = ("310115", "410102", "410103", "41")


class Published:
    """A log, its key, and what writes and publishes it."""

    def __init__(self, pool: asyncpg.Pool, key: SigningKey | None = None, cosigner: Cosigner | None = None) -> None:
        self.pool = pool
        self.key = key or SigningKey.generate(ORIGIN)
        self.sequencer = Sequencer(pool, CALENDAR, lambda address: address, KINDS.get)
        self.publisher = Publisher(pool, ORIGIN, [self.key], cosigner or NoWitnesses())

    async def take(self, *batches: LedgerBatch) -> Decision:
        """Put batches on the log."""
        return (await self.sequencer.take(list(batches)))[0]

    async def checkpoint(self) -> tuple[Checkpoint, Note]:
        """Publish, and what is published then."""
        await self.publisher.publish()
        return open_checkpoint(await self.pool.fetchval("SELECT note FROM checkpoint"), [self.key.verifier], ORIGIN)


class Witness:
    """A witness in the place of those that are reached over HTTP. It can be ``away``."""

    def __init__(self, key: SigningKey, away: bool = False) -> None:
        self._key = key
        self.away = away
        self.seen: list[Checkpoint] = []
        self.proofs: list[list[bytes]] = []

    @property
    def keys(self) -> Sequence[VerifierKey]:
        return [self._key.verifier]

    async def cosign(self, checkpoint: Checkpoint, note: Note, consistency: Consistency) -> Sequence[Signature]:
        if self.away:
            return []
        old = self.seen[-1].size if self.seen else 0
        self.proofs.append(await consistency(old))
        self.seen.append(checkpoint)
        return [self._key.sign(note.text)]


@asynccontextmanager
async def reading(
    pool: asyncpg.Pool,
    keys: Sequence[SigningKey] = (),
    *,
    token: str | None = None,
    access: Literal["public", "participants"] = "public",
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API as somebody with ``token`` reads it: ``administrator``, or a participant's address."""
    owners = {address: TokenOwner("participant", address) for address in ADDRESSES}
    owners["administrator"] = TokenOwner("administrator", None)
    snapshot = Snapshot(
        version=1,
        directory=DIRECTORY,
        kinds={},
        participants={},
        tokens={token_hash(name): owner for name, owner in owners.items()},
    )
    app = create_app("Test", "A test.", health=Health(), registry=service_registry("ledger"), max_body_bytes=1024)
    app.include_router(ledger_router(pool, lambda: snapshot, CALENDAR))
    # Orders go nowhere.
    ordering = Ordering(AioPikaBroker("amqp://localhost:1", name="nowhere"))
    app.include_router(periods_router(pool, lambda: snapshot, CALENDAR, ordering))
    app.include_router(proofs_router(pool, lambda: snapshot))
    app.include_router(log_router(pool, lambda: snapshot, [key.verifier for key in keys], access))
    headers: Mapping[str, str] = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client
