"""The log as a Merkle tree: entries sealed into leaves, and the hashes above them. Pure.

Tile L holds the hashes of level L, 256 at a time; a full tile's root is one hash of the level above (C2SP tlog-tiles,
section "Merkle Tree"). The tiles of level 0 are the entries' leaf hashes, those above are rows of ``tree_tile``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from contracts.leaf import Leaf, encode_leaf
from contracts.merkle import HASH_BYTES, leaf_hash, root_of
from contracts.tiles import TILE_WIDTH, Tile
from services.ledger.records import NewEntry, SealedEntry
from services.ledger.totals import RunningTotals, with_totals


@dataclass(frozen=True, slots=True)
class Growth:
    """Hashes that a tile above level 0 gets at its end."""

    level: int
    number: int
    hashes: bytes


def seal(entries: Iterable[NewEntry], totals: RunningTotals) -> list[SealedEntry]:
    """``entries`` with their totals and leaf hashes. Raises LeafError for one that cannot be a leaf."""
    return [_sealed(entry, data) for entry, data in with_totals(entries, totals)]


def leaf_of(index: int, at: datetime, event: str, message_id: UUID | None, data: Mapping[str, Any]) -> bytes:
    """The leaf that follows from an entry's columns."""
    return encode_leaf(Leaf(index, at, event, message_id, data))


def filling(size: int, appended: int) -> list[Tile]:
    """The parts of tiles that ``appended`` more leaves after ``size`` complete, the lowest first: ``grow`` needs the
    hashes of each.
    """
    partial = []
    before, after = size, size + appended
    level = 0
    while before // TILE_WIDTH < after // TILE_WIDTH:
        if width := before % TILE_WIDTH:
            partial.append(Tile(level, before // TILE_WIDTH, width))
        before, after, level = before // TILE_WIDTH, after // TILE_WIDTH, level + 1
    return partial


def grow(size: int, leaf_hashes: Sequence[bytes], partial: Mapping[Tile, bytes]) -> list[Growth]:
    """What the tiles above level 0 get because of ``leaf_hashes`` after ``size`` leaves; ``partial`` has the hashes of
    the tiles that ``filling`` names.
    """
    growths: list[Growth] = []
    level, before, new = 0, size, list(leaf_hashes)
    while new:
        begun = before % TILE_WIDTH
        hashes = split_hashes(partial[Tile(level, before // TILE_WIDTH, begun)]) if begun and ... else []
    return growths
