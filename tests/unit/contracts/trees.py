"""Trees to prove things about: leaves, their hashes, and the tiles that a log would serve of them."""

from collections.abc import Sequence
from functools import lru_cache

from contracts.merkle import leaf_hash, node_hash
from contracts.tiles import Tile, tiles_of


def leaf(index: int) -> bytes:
    """The bytes of a test tree's leaf."""
    return f"leaf {index}".encode()


@lru_cache
def hashes(size: int) -> tuple[bytes, ...]:
    """The leaf hashes of a test tree."""
    return tuple(leaf_hash(leaf(index)) for index in range(size))


def head(hashes: Sequence[bytes]) -> bytes:
    """RFC 9162, section 2.1.1, word by word."""
    if len(hashes) == 1:
        return hashes[0]
    left = 1
    while left * 2 < len(hashes):
        left *= 2
    return node_hash(head(hashes[:left]), head(hashes[left:]))


@lru_cache
def served(size: int) -> dict[Tile, bytes]:
    """All tiles of a test tree."""
    rows = [list(hashes(size))]
    while len(rows[-1]) >= 256:
        row = rows[-1]
        rows.append([head(row[at : at + 256]) for at in range(0, len(row) // 256 * 256, 256)])
    found = {}
    for tile in tiles_of(size):
        start = tile.number * 256
        found[tile] = b"".join(rows[tile.level][start : start + tile.width])
    return found
