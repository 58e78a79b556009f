"""Reads the log as files are read: tiles of its tree, its leaves, and the checkpoint that covers them.

Nothing of it ever changes but the checkpoint, so what is read in several statements goes together.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from contracts.merkle import HASH_BYTES
from contracts.tiles import TILE_WIDTH, EntryBundle, Tile
from services.ledger.store.connection import Connection, Row
from services.ledger.store.faults import DamagedTreeError
from services.ledger.store.queries import READING
from services.ledger.tree import leaf_of


@dataclass(frozen=True, slots=True)
class Published:
    """The newest checkpoint that was published: ``note`` is the signed text."""

    size: int
    root: bytes
    note: str
    published_at: datetime


async def published(connection: Connection) -> Published | None:
    """The newest checkpoint, None where nothing was published yet."""
    row = await connection.fetchrow(READING["checkpoint"])
    return None if row is None else Published(**dict(row))


async def log_size(connection: Connection) -> int:
    """How many entries the log has."""
    size: int = await connection.fetchval(READING["log_size"])
    return size


async def read_tiles(connection: Connection, tiles: Collection[Tile]) -> dict[Tile, bytes]:
    """The hashes of tiles that the log has. Raises DamagedTreeError where it does not have them all."""
    if not tiles:
        return {}
    columns = ([t.level for t in tiles], [t.number for t in tiles], [t.width for t in tiles])
    rows = await connection.fetch(READING["tiles"], *columns)
    found = {Tile(row["level"], row["number"], row["width"]): bytes(row["hashes"] or b"") for row in rows}
    for tile, hashes in found.items():
        if len(hashes) != tile.width * HASH_BYTES:
            raise DamagedTreeError(
                f"the tree has {len(hashes) // HASH_BYTES} of the {tile.width} hashes of {tile.path}"
            )
    return found


async def read_bundle(connection: Connection, bundle: EntryBundle) -> list[bytes]:
    """The leaves of a bundle. Raises DamagedTreeError where the log does not have them all."""
    first = bundle.number * TILE_WIDTH
    return _leaves(await connection.fetch(READING["entries"], first, first + bundle.width), bundle.width)


async def read_leaves(connection: Connection, indexes: Collection[int]) -> list[bytes]:
    """The leaves of entries, in the log's order. Raises DamagedTreeError where the log does not have them all."""
    return _leaves(await connection.fetch(READING["entries_at"], list(indexes)), len(indexes))


def _leaves(rows: Sequence[Row], count: int) -> list[bytes]:
    if len(rows) != count:
        raise DamagedTreeError(f"the log has {len(rows)} of {count} entries that it should have")
    return [
        leaf_of(row["index"], row["at"], row["event"], row["message_id"], msgspec.json.decode(row["data"]))
        for row in rows
    ]
