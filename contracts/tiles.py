"""Tiles: how a log serves its tree and its entries as files, and proofs made of them.

A tile holds up to 256 consecutive hashes of every eighth row of the tree. Full tiles never change; of each level only
the last one may be partial. Source: C2SP tlog-tiles, sections "Merkle Tree" and "Log entries".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE, node_hash, root_of

TILE_WIDTH = 256
TILE_HEIGHT = 8
MAX_LEVEL = 63
MAX_ENTRY_BYTES = 0xFFFF

_NUMBER = r"(?P<number>(?:x[0-9]{3}/){0,6}[0-9]{3})"
_WIDTH = r"(?:\.p/(?P<width>[0-9]{1,3}))?"
_TILE_PATH = re.compile(rf"tile/(?:(?P<level>[0-9]{{1,2}})|entries)/{_NUMBER}{_WIDTH}")


class TileError(ValueError):
    """A path that is no tile's, or tiles that are missing, cut short or no tiles at all."""


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """A tile's place in the tree: its level, its number on that level, and how many hashes it has."""

    level: int
    number: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        if not 0 <= self.level <= MAX_LEVEL:
            raise TileError(f"a tile's level is 0 to {MAX_LEVEL}, not {self.level}")
        _check_place(self.number, self.width)

    @property
    def is_full(self) -> bool:
        """Whether the tile can never grow."""
        return self.width == TILE_WIDTH

    @property
    def path(self) -> str:
        """Where the tile is served, below the log's prefix."""
        return f"tile/{self.level}/{_place_text(self.number, self.width)}"


@dataclass(frozen=True, slots=True, order=True)
class EntryBundle:
    """A bundle's place in the log: its number, and how many entries it has."""

    number: int
    width: int = TILE_WIDTH

    def __post_init__(self) -> None:
        _check_place(self.number, self.width)

    @property
    def is_full(self) -> bool:
        """Whether the bundle can never grow."""
        return self.width == TILE_WIDTH

    @property
    def path(self) -> str:
        """Where the bundle is served, below the log's prefix."""
        return f"tile/entries/{_place_text(self.number, self.width)}"


def parse_tile_path(path: str) -> Tile | EntryBundle:
    """The tile or bundle that is served at ``path``. Raises TileError unless it is written exactly so."""
    match = _TILE_PATH.fullmatch(path)
    if match is None:
        raise TileError("this is no path of a tile, such as tile/0/x001/067 or tile/entries/x001/067.p/8")
    number = int(match["number"].replace("x", "").replace("/", ""))
    width = TILE_WIDTH if match["width"] is None else int(match["width"])
    tile = EntryBundle(number, width) if match["level"] is None else Tile(int(match["level"]), number, width)
    if tile.path != path:
        raise TileError("a tile's path has no zeroes in front, and .p only where the tile is partial")
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """All tiles of a tree of ``size`` leaves: the full ones level by level, then the partial ones.

    Raises TileError for a size that no tree has.
    """
    rows = _rows(size)
    for level, width in enumerate(rows):
        for number in range(width // TILE_WIDTH):
            yield Tile(level, number)
    for level, width in enumerate(rows):
        if width % TILE_WIDTH:
            yield Tile(level, width // TILE_WIDTH, width % TILE_WIDTH)


def encode_bundle(leaves: Sequence[bytes]) -> bytes:
    """A bundle of these entries, each behind its length in two bytes. Raises TileError for more than it can hold."""
    if not 1 <= len(leaves) <= TILE_WIDTH:
        raise TileError(f"a bundle has 1 to {TILE_WIDTH} entries, not {len(leaves)}")
    for leaf in leaves:
        if len(leaf) > MAX_ENTRY_BYTES:
            raise TileError(f"an entry has at most {MAX_ENTRY_BYTES} bytes, not {len(leaf)}")
    return b"".join(len(leaf).to_bytes(2) + leaf for leaf in leaves)


def decode_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises TileError for what is none."""
    leaves: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + 2
        end = start + int.from_bytes(data[at:start])
        if start > len(data) or end > len(data):
            raise TileError("the bundle is cut short")
        leaves.append(data[start:end])
        at = end
    if not 1 <= len(leaves) <= TILE_WIDTH:
        raise TileError(f"a bundle has 1 to {TILE_WIDTH} entries, not {len(leaves)}")
    return leaves


def split_tile(tile: Tile, data: bytes) -> list[bytes]:
    """The hashes of a tile. Raises TileError where it has not as many as it should."""
    if len(data) != tile.width * HASH_BYTES:
        raise TileError(f"{tile.path} has {tile.width * HASH_BYTES} bytes, not {len(data)}")
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def root_tiles(size: int) -> set[Tile]:
    """The tiles that the root of a tree of ``size`` leaves needs."""
    return {_tile_of(node, size) for node in _range_nodes(0, size, size)}


def inclusion_tiles(index: int, size: int) -> set[Tile]:
    """The tiles that a proof of inclusion needs. Raises TileError where there is no such leaf."""
    return {_tile_of(node, size) for part in _inclusion_parts(index, size) for node in part}


def consistency_tiles(old: int, new: int) -> set[Tile]:
    """The tiles of the tree of ``new`` leaves that a proof of consistency needs. Raises TileError for ``old > new``."""
    return {_tile_of(node, new) for part in _consistency_parts(old, new) for node in part}


def root(size: int, tiles: Mapping[Tile, bytes]) -> bytes:
    """The root of the tree of ``size`` leaves, from ``root_tiles``. Raises TileError where one is missing or wrong."""
    return _hash_of(_range_nodes(0, size, size), size, tiles) if size else EMPTY_ROOT


def inclusion_path(index: int, size: int, tiles: Mapping[Tile, bytes]) -> list[bytes]:
    """The proof that leaf ``index`` is in the tree of ``size`` (RFC 9162, section 2.1.3.1), from ``inclusion_tiles``.

    Raises TileError where one is missing or wrong.
    """
    return [_hash_of(part, size, tiles) for part in _inclusion_parts(index, size)]


def consistency_path(old: int, new: int, tiles: Mapping[Tile, bytes]) -> list[bytes]:
    """The proof that the tree of ``new`` leaves begins with that of ``old`` (RFC 9162, section 2.1.4.1), from
    ``consistency_tiles``. Raises TileError where one is missing or wrong.
    """
    return [_hash_of(part, new, tiles) for part in _consistency_parts(old, new)]


# A node is a full subtree: its height, and its number among those of its height. The hash of any stretch of leaves
# that proofs speak of is that of a few nodes, largest first: the last ones combined into one, then that with the one
# before, and so on.
_Node = tuple[int, int]


def _range_nodes(start: int, end: int, size: int) -> list[_Node]:
    """The nodes that make up the leaves from ``start`` to ``end``, where ``start`` is a multiple of their largest."""
    _check_tree(size)
    nodes = []
    while start < end:
        height = (end - start).bit_length() - 1
        nodes.append((height, start >> height))
        start += 1 << height
    return nodes


def _inclusion_parts(index: int, size: int) -> list[list[_Node]]:
    _check_tree(size)
    if not 0 <= index < size:
        raise TileError(f"a tree of {size} leaves has no leaf {index}")
    parts = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _left_size(end - start)
        if index < middle:
            parts.append(_range_nodes(middle, end, size))
            end = middle
        else:
            parts.append(_range_nodes(start, middle, size))
            start = middle
    return parts[::-1]


def _consistency_parts(old: int, new: int) -> list[list[_Node]]:
    _check_tree(new)
    if not 0 <= old <= new:
        raise TileError(f"a tree of {new} leaves does not begin with one of {old}")
    parts = []
    start, end = 0, new
    while start < old < end:
        middle = start + _left_size(end - start)
        if old <= middle:
            parts.append(_range_nodes(middle, end, new))
            end = middle
        else:
            parts.append(_range_nodes(start, middle, new))
            start = middle
    if 0 < start < end:
        # What is left is a whole subtree of the old tree; where it is the old tree itself, its root is known already.
        parts.append(_range_nodes(start, end, new))
    return parts[::-1]


def _left_size(size: int) -> int:
    """The largest power of two below ``size``: how many leaves lie left of the middle."""
    return 1 << ((size - 1).bit_length() - 1)


def _tile_of(node: _Node, size: int) -> Tile:
    height, number = node
    level, above = divmod(height, TILE_HEIGHT)
    tile = (number << above) // TILE_WIDTH
    return Tile(level, tile, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - tile * TILE_WIDTH))


def _hash_of(nodes: Sequence[_Node], size: int, tiles: Mapping[Tile, bytes]) -> bytes:
    hashes = [_node_hash(node, size, tiles) for node in nodes]
    found = hashes.pop()
    while hashes:
        found = node_hash(hashes.pop(), found)
    return found


def _node_hash(node: _Node, size: int, tiles: Mapping[Tile, bytes]) -> bytes:
    tile = _tile_of(node, size)
    if tile not in tiles:
        raise TileError(f"{tile.path} is missing")
    hashes = split_tile(tile, tiles[tile])
    height, number = node
    width = 1 << (height % TILE_HEIGHT)
    first = number * width - tile.number * TILE_WIDTH
    return root_of(hashes[first : first + width])


def _rows(size: int) -> list[int]:
    """How many hashes each level of the tree has, up to the last that has any."""
    _check_tree(size)
    rows = []
    while size:
        rows.append(size)
        size //= TILE_WIDTH
    return rows


def _place_text(number: int, width: int) -> str:
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == TILE_WIDTH else f"{path}.p/{width}"


def _check_place(number: int, width: int) -> None:
    if not 0 <= number <= MAX_SIZE:
        raise TileError(f"a tile's number is 0 to {MAX_SIZE}, not {number}")
    if not 1 <= width <= TILE_WIDTH:
        raise TileError(f"a tile has 1 to {TILE_WIDTH} hashes, not {width}")


def _check_tree(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise TileError(f"a tree has from 0 to {MAX_SIZE} leaves, not {size}")
