"""The tree of a log that is read from its beginning to its end, kept as its unfinished tiles (pure).

Level by level the hashes that do not fill a tile yet: ``edges[0]`` are leaf hashes, and each hash of ``edges[n]`` is
that of a full tile of the level below. Source: C2SP tlog-tiles, "Merkle Tree"; RFC 9162 section 2.1.1.
"""

from collections.abc import Sequence

from contracts.merkle import EMPTY_ROOT, HASH_BYTES, node_hash, root_of
from contracts.tiles import TILE_WIDTH, Tile


class GrowingTree:
    """A tree by its unfinished tiles. ``upper`` gathers the tiles above level 0 that are finished while it grows."""

    def __init__(self, size: int = 0, edges: Sequence[Sequence[bytes]] = ()) -> None:
        self.size = size
        self.edges = [list(hashes) for hashes in edges] or [[]]
        self.upper: dict[Tile, bytes] = {}

    def extend(self, hashes: Sequence[bytes]) -> None:
        """Append leaf hashes."""
        for at in range(0, len(hashes), TILE_WIDTH):
            self._extend(hashes[at : at + TILE_WIDTH])

    def _extend(self, hashes: Sequence[bytes]) -> None:
        room = TILE_WIDTH - len(self.edges[0])
        self.edges[0].extend(hashes[:room])
        self.size += len(hashes)
        if len(hashes) >= room:
            self._rise(0)
            self.edges[0].extend(hashes[room:])

    def _rise(self, level: int) -> None:
        """The tile at ``level`` is full: it is one hash of the level above."""
        full = self.edges[level]
        self.edges[level] = []
        if level > 0:
            self.upper[Tile(level, self._full_tiles(level))] = b"".join(full)
        if level + 1 == len(self.edges):
            self.edges.append([])
        self.edges[level + 1].append(root_of(full))
        if len(self.edges[level + 1]) == TILE_WIDTH:
            self._rise(level + 1)

    def _full_tiles(self, level: int) -> int:
        """How many tiles of a level the levels above it know of."""
        return sum(len(hashes) * TILE_WIDTH**distance for distance, hashes in enumerate(self.edges[level + 1 :]))

    def unfinished(self) -> dict[Tile, bytes]:
        """The unfinished tiles as they are served."""
        return {
            Tile(level, self.size // TILE_WIDTH ** (level + 1), len(hashes)): b"".join(hashes)
            for level, hashes in enumerate(self.edges)
            if hashes
        }

    def root(self) -> bytes:
        """The root of everything so far."""
        root: bytes | None = None
        for hashes in self.edges:
            # The perfect subtrees of what is unfinished, from the right: one for each binary digit of its length.
            end = len(hashes)
            while end:
                begin = end & (end - 1)
                left = root_of(hashes[begin:end])
                root, end = left if root is None else node_hash(left, root), begin
        return EMPTY_ROOT if root is None else root


def split(hashes: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
