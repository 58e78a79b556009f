"""The log as a Merkle tree: entries sealed into leaves, and the hashes above them. Pure.

A tile of level L holds 256 hashes of that level; a full tile's root is one hash of the level above (C2SP tlog-tiles,
section "Merkle Tree"). The tiles of level 0 are the entries' leaf hashes, those above are rows of ``tree_tile``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.leaf import Leaf, encode_data, encode_leaf, leaf_bytes, table_digest
from contracts.merkle import leaf_hash, root_of
from contracts.tiles import TILE_WIDTH, Tile, split_tile
from services.ledger.records import NewEntry, SealedEntry
from services.ledger.totals import RunningTotals


@dataclass(frozen=True, slots=True)
class Growth:
    """Hashes that a tile above level 0 gets at its end."""

    level: int
    number: int
    hashes: bytes


def seal(
    entries: Iterable[NewEntry], totals: RunningTotals, tables: Mapping[int, Sequence[bytes]]
) -> list[SealedEntry]:
    """``entries`` with all that their leaves say, and the leaves' hashes: the running totals of the cohorts that they
    move, and what a closing commits to. ``tables`` has, by their entries, the tables of the months that are closed.

    Raises LeafError for one that cannot be a leaf.
    """
    return [_sealed(entry, _data(entry, totals, tables)) for entry in entries]


def leaf_of(index: int, at: datetime, event: str, message_id: UUID | None, data: Mapping[str, Any]) -> bytes:
    """The leaf that follows from an entry's columns. Raises LeafError."""
    return encode_leaf(Leaf(index, at, event, message_id, data))


def filling(size: int, appended: int) -> list[Tile]:
    """The begun tiles that ``appended`` leaves more than ``size`` fill, as they are before, the lowest first."""
    begun = []
    for level, (before, after) in enumerate(_rows(size, size + appended)):
        if before % TILE_WIDTH and before // TILE_WIDTH < after // TILE_WIDTH:
            begun.append(Tile(level, before // TILE_WIDTH, before % TILE_WIDTH))
    return begun


def grow(size: int, leaf_hashes: Sequence[bytes], begun: Mapping[Tile, bytes]) -> list[Growth]:
    """What the tiles above level 0 get when ``leaf_hashes`` follow the first ``size``. ``begun`` holds the hashes of
    the tiles that ``filling`` names. Raises KeyError where one is missing.
    """
    growths: list[Growth] = []
    new = list(leaf_hashes)
    for level, (before, after) in enumerate(_rows(size, size + len(leaf_hashes))):
        if level:
            growths += _growths(level, before, new)
        if before // TILE_WIDTH == after // TILE_WIDTH:
            break
        first, width = divmod(before, TILE_WIDTH)
        tile = Tile(level, first, width) if width else None
        row = [*(split_tile(tile, begun[tile]) if tile else ()), *new]
        full = after // TILE_WIDTH - first
        new = [root_of(row[at * TILE_WIDTH : (at + 1) * TILE_WIDTH]) for at in range(full)]
    return growths


def _data(entry: NewEntry, totals: RunningTotals, tables: Mapping[int, Sequence[bytes]]) -> Mapping[str, Any]:
    if entry.move is not None:
        return {**entry.data, "totals": totals.after(entry.move)}
    if entry.index in tables:
        lines = tables[entry.index]
        return {**entry.data, "table": {"sha256": table_digest(lines), "rows": len(lines)}}
    return entry.data


def _sealed(entry: NewEntry, data: Mapping[str, Any]) -> SealedEntry:
    written = encode_data(data)
    leaf = leaf_bytes(entry.index, entry.at, entry.event, entry.message_id, written)
    return SealedEntry(entry.index, entry.at, entry.event, entry.message_id, written, leaf_hash(leaf))


def _rows(before: int, after: int) -> Iterable[tuple[int, int]]:
    """How many hashes each level has before and after, from the leaves up to the last level that gets any."""
    while after > before:
        yield before, after
        before, after = before // TILE_WIDTH, after // TILE_WIDTH


def _growths(level: int, before: int, new: Sequence[bytes]) -> Iterable[Growth]:
    """``new`` hashes behind ``before``, tile by tile."""
    while new:
        number, begun = divmod(before, TILE_WIDTH)
        here = new[: TILE_WIDTH - begun]
        yield Growth(level, number, b"".join(here))
        before, new = before + len(here), new[len(here) :]
