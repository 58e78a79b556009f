"""Publishes checkpoints: what the log's keys sign of its tree, and witnesses confirm. Source: C2SP tlog-checkpoint.

A checkpoint is signed only when it goes on from the one published before it, and when whatever the database commits to
may be relied upon: a standby that takes over must not have less than was signed.
"""

import math
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import asyncpg
import structlog

from contracts.checkpoints import Checkpoint, parse_checkpoint
from contracts.merkle import MerkleError, verify_consistency
from contracts.notes import Note, Signature, SigningKey, VerifierKey, parse_note
from contracts.tiles import consistency_path, consistency_tiles, root, root_tiles
from services.ledger.store import tiles
from services.ledger.store.connection import Connection
from services.ledger.store.faults import DamagedTreeError, is_away
from services.ledger.store.queries import WRITING
from services.ledger.store.tiles import Published
from services.ledger.store.time_limit import borrowed
from services.ledger.store.transaction import transaction
from services.runtime.lifecycle import Stop

_AGAIN_S = 30.0
"""So often those whose signature a checkpoint lacks are asked again while the log does not grow."""

log = structlog.get_logger(__name__)

Consistency = Callable[[int], Awaitable[list[bytes]]]
"""The proof that a checkpoint's tree begins with the one of an older size (RFC 9162 section 2.1.4.1). Raises TileError
for a size that is larger than the checkpoint's, and what the database driver raises.
"""


class Cosigner(Protocol):
    """Whoever has checkpoints confirmed by witnesses (C2SP tlog-witness)."""

    @property
    def keys(self) -> Sequence[VerifierKey]:
        """The witnesses' keys."""
        ...

    async def cosign(self, checkpoint: Checkpoint, note: Note, consistency: Consistency) -> Sequence[Signature]:
        """The cosignatures of the witnesses that confirmed ``note``, the checkpoint as the log's own keys signed it.

        It takes a bounded time, and raises nothing because of a witness: one that is away or refuses is left out, and
        asked again with the next checkpoint.
        """
        ...


class OtherLogError(Exception):
    """What was published is another log's than the one that the settings name."""


class Publisher:
    """Publishes the log ``origin`` under all of ``keys`` every ``interval_s`` seconds while it grows. Several ledgers
    may do so at a time: whichever checkpoint is the largest stands.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        origin: str,
        keys: Sequence[SigningKey],
        cosigner: Cosigner,
        *,
        interval_s: float = 1.0,
        timeout_s: float = 30.0,
    ) -> None:
        self._pool = pool
        self._origin = origin
        self._keys = keys
        self._cosigner = cosigner
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._asked_at = -math.inf
        self._trouble: str | None = None

    def check(self) -> str | None:
        """A readiness check: None, or why the log cannot be published at all."""
        return self._trouble

    async def run(self, stop: Stop) -> None:
        """Publish until the stop. A database that is away is waited for; a tree that contradicts what was published is
        not published, and said to be so until someone has looked.
        """
        while not stop.is_set:
            try:
                self._trouble = await self._fault()
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("publisher_waits", error=type(error).__name__)
            if self._trouble is not None:
                log.error("checkpoint_not_published", error=self._trouble)
            await stop.sleep(self._interval_s)

    async def _fault(self) -> str | None:
        try:
            await self.publish()
        except (MerkleError, DamagedTreeError, OtherLogError) as error:
            return f"{type(error).__name__}: {error}"
        return None

    async def publish(self) -> Checkpoint | None:
        """Publish what the log has now, and return it; None where that is published already.

        Raises MerkleError where the log does not go on from what was published, DamagedTreeError, OtherLogError, and
        the driver's errors.
        """
        async with borrowed(self._pool, self._timeout_s) as connection:
            before = await tiles.published(connection)
            size = await tiles.log_size(connection)
            if not self._is_wanted(before, size):
                return None
            # Whoever reads it may keep it for ever: it must not be lost with the primary.
            async with transaction(connection):
                await connection.execute(WRITING["flush_standby"])
            checkpoint = Checkpoint(self._origin, size, await _root(connection, size))
            if before is not None:
                await self._expect_to_go_on_from(before, checkpoint, connection)
        note = Note(checkpoint.text, tuple(key.sign(checkpoint.text) for key in self._keys))
        await self._store(checkpoint, await self._with_cosignatures(checkpoint, note, before))
        return checkpoint

    def _is_wanted(self, before: Published | None, size: int) -> bool:
        if before is None or before.size != size:
            return True
        return bool(self._lacking(parse_note(before.note))) and time.monotonic() > self._asked_at + _AGAIN_S

    def _lacking(self, note: Note) -> list[VerifierKey]:
        signed = {(signature.name, signature.id) for signature in note.signatures}
        wanted = [*(key.verifier for key in self._keys), *self._cosigner.keys]
        return [key for key in wanted if (key.name, key.id) not in signed]

    async def _expect_to_go_on_from(self, before: Published, after: Checkpoint, connection: Connection) -> None:
        origin = parse_checkpoint(parse_note(before.note).text).origin
        if origin != after.origin:
            raise OtherLogError(f"the log was published as {origin}, and the settings name it {after.origin}")
        if after.size < before.size:
            raise DamagedTreeError(f"{before.size} entries are published, and the log has {after.size}")
        path = await _consistency(connection, before.size, after.size)
        verify_consistency(before.size, before.root, after.size, after.root, path)

    async def _with_cosignatures(self, checkpoint: Checkpoint, note: Note, before: Published | None) -> Note:
        async def consistency(old: int) -> list[bytes]:
            async with borrowed(self._pool, self._timeout_s) as connection:
                return await _consistency(connection, old, checkpoint.size)

        self._asked_at = time.monotonic()
        cosignatures = await self._cosigner.cosign(checkpoint, note, consistency)
        signatures = {(one.name, one.id): one for one in (*note.signatures, *cosignatures)}
        earlier = parse_note(before.note) if before is not None else None
        if earlier is not None and earlier.text == note.text:
            # What was signed before stays signed.
            signatures |= {
                (one.name, one.id): one for one in earlier.signatures if (one.name, one.id) not in signatures
            }
        return Note(note.text, tuple(signatures.values()))

    async def _store(self, checkpoint: Checkpoint, note: Note) -> None:
        values = (checkpoint.size, checkpoint.root, str(note), len(note.signatures), datetime.now(UTC))
        async with borrowed(self._pool, self._timeout_s) as connection, transaction(connection):
            await connection.execute(WRITING["publish_checkpoint"], *values)


async def _root(connection: Connection, size: int) -> bytes:
    return root(size, await tiles.read_tiles(connection, root_tiles(size)))


async def _consistency(connection: Connection, old: int, new: int) -> list[bytes]:
    return consistency_path(old, new, await tiles.read_tiles(connection, consistency_tiles(old, new)))
