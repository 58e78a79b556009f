"""A tree that is read from its beginning has the root and the tiles of RFC 9162 and C2SP tlog-tiles."""

import hashlib

import pytest

from contracts.merkle import root_of
from contracts.tiles import tiles_of
from services.verifier.tree import GrowingTree

SIZES = (0, 1, 2, 3, 7, 255, 256, 257, 511, 512, 600, 1000, 65_535, 65_536, 65_793)
HASHES = [hashlib.sha256(str(number).encode()).digest() for number in range(max(SIZES))]


@pytest.mark.parametrize("size", SIZES)
def test_the_root_is_that_of_the_whole_tree(size: int) -> None:
    tree = GrowingTree()
    tree.extend(HASHES[:size])
    assert tree.root() == root_of(HASHES[:size])


def test_a_tree_may_be_read_in_stretches_of_any_length_and_go_on_from_its_edges() -> None:
    at, tree = 0, GrowingTree()
    for step in (1, 254, 2, 256, 300, 1, 0, 512, 255):
        tree = GrowingTree(tree.size, tree.edges)
        tree.extend(HASHES[at : at + step])
        at += step
        assert (tree.size, tree.root()) == (at, root_of(HASHES[:at]))


@pytest.mark.parametrize("size", SIZES)
def test_its_tiles_are_those_that_a_log_serves(size: int) -> None:
    tree = GrowingTree()
    tree.extend(HASHES[:size])
    made = tree.upper | tree.unfinished()
    expected = {tile for tile in tiles_of(size) if tile.level > 0 or not tile.is_full}
    assert set(made) == expected
    assert all(len(hashes) == 32 * tile.width for tile, hashes in made.items())
    for tile, hashes in made.items():
        span = 256**tile.level
        first = tile.number * 256 * span
        assert hashes[:32] == root_of(HASHES[first : first + span])
