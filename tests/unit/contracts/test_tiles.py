"""Tiles: their names, which of them a tree has and a proof needs, and bundles of entries."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.merkle import EMPTY_ROOT, root_of, verify_consistency, verify_inclusion
from contracts.tiles import (
    EntryBundle,
    Tile,
    TileError,
    consistency_path,
    consistency_tiles,
    decode_bundle,
    encode_bundle,
    inclusion_path,
    inclusion_tiles,
    parse_tile_path,
    root,
    root_tiles,
    split_tile,
    tiles_of,
)
from tests.unit.contracts.trees import hashes, served

LARGE = [255, 256, 257, 511, 65_535, 65_536, 65_537, 70_000]


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(3, 1067, 8), "tile/3/x001/067.p/8"),
        (Tile(63, 999, 255), "tile/63/999.p/255"),
        (Tile(1, 2**63 - 1), "tile/1/x009/x223/x372/x036/x854/x775/807"),
        (EntryBundle(0), "tile/entries/000"),
        (EntryBundle(1067, 8), "tile/entries/x001/067.p/8"),
    ],
)
def test_tiles_are_served_where_the_specification_says(tile: Tile | EntryBundle, path: str) -> None:
    assert tile.path == path
    assert parse_tile_path(path) == tile
    assert tile.is_full == (".p/" not in path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/100/000",
        "tile/-1/000",
        "tile/+1/000",
        "tile/data/000",
        "tile/0/x000/001",
        "tile/0/001/067",
        "tile/0/x001",
        "tile/0/X001/067",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/../000",
        "tile/0/٠٠٠",
        "tile/0/x009/x223/x372/x036/x854/x775/808",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
        "tile/8/0/000",
        "tile/entries/0/000",
        "checkpoint",
    ],
)
def test_any_other_path_is_no_tiles(path: str) -> None:
    with pytest.raises(TileError):
        parse_tile_path(path)


@given(st.text(max_size=40) | st.from_regex(r"tile/[0-9e]{1,7}/[x0-9/.p]{1,12}", fullmatch=True))
def test_whatever_is_read_as_a_path_is_written_the_same(path: str) -> None:
    try:
        tile = parse_tile_path(path)
    except TileError:
        return
    assert tile.path == path


def test_the_tiles_of_a_tree_are_those_of_the_specifications_examples() -> None:
    tiles = list(tiles_of(70_000))
    assert tiles[:273] == [Tile(0, number) for number in range(273)]
    assert tiles[273:] == [Tile(1, 0), Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


@pytest.mark.parametrize("size", LARGE)
def test_proofs_in_large_trees_need_few_tiles_and_hold(size: int) -> None:
    all_tiles, leaves = served(size), hashes(size)
    expected = root_of(leaves)
    assert root(size, {tile: all_tiles[tile] for tile in root_tiles(size)}) == expected
    for index in {0, 1, 254, size // 3, size // 2, size - 2, size - 1}:
        tiles = {tile: all_tiles[tile] for tile in inclusion_tiles(index, size)}
        assert len(tiles) <= 6
        verify_inclusion(leaves[index], index, size, inclusion_path(index, size, tiles), expected)
    for old in {0, 1, 2, 200, 254, 255, size // 3, size // 2, size - 1, size}:
        tiles = {tile: all_tiles[tile] for tile in consistency_tiles(old, size)}
        assert len(tiles) <= 6
        verify_consistency(old, root_of(leaves[:old]), size, expected, consistency_path(old, size, tiles))


def test_of_a_tree_as_large_as_can_be_the_tiles_are_named_at_once() -> None:
    largest = 2**63 - 1
    # The right edge: one tile of each level.
    assert {tile.level for tile in root_tiles(largest)} == set(range(8))
    assert len(inclusion_tiles(2**62, largest)) <= 16
    assert len(consistency_tiles(2**62 + 12_345, largest)) <= 16


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: Tile(-1, 0),
        lambda: Tile(64, 0),
        lambda: Tile(0, -1),
        lambda: Tile(0, 2**63),
        lambda: Tile(0, 0, 0),
        lambda: Tile(0, 0, 257),
        lambda: EntryBundle(-1),
        lambda: EntryBundle(0, 0),
        lambda: list(tiles_of(-1)),
        lambda: list(tiles_of(2**63)),
        lambda: root_tiles(-1),
        lambda: inclusion_tiles(3, 3),
        lambda: inclusion_tiles(-1, 3),
        lambda: inclusion_tiles(0, 0),
        lambda: consistency_tiles(4, 3),
        lambda: consistency_tiles(-1, 3),
        lambda: root(3, {}),
        lambda: root(3, {Tile(0, 0, 3): bytes(95)}),
        lambda: inclusion_path(0, 3, {Tile(0, 0, 4): bytes(128)}),
        lambda: consistency_path(2, 3, {Tile(0, 0, 3): bytes(97)}),
        lambda: split_tile(Tile(0, 0), bytes(32)),
    ],
)
def test_what_no_tree_has_ends_in_the_one_error(attempt: Callable[[], object]) -> None:
    with pytest.raises(TileError):
        attempt()


def test_the_empty_tree_needs_no_tile() -> None:
    assert root_tiles(0) == set()
    assert root(0, {}) == EMPTY_ROOT
    assert consistency_path(0, 0, {}) == []


def test_a_bundle_is_written_as_the_specification_says() -> None:
    assert encode_bundle([b"a", b"", b"x" * 258]) == b"\x00\x01a" + b"\x00\x00" + b"\x01\x02" + b"x" * 258


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_is_read_as_it_was_written_and_not_when_it_is_cut_short(leaves: list[bytes]) -> None:
    encoded = encode_bundle(leaves)
    assert decode_bundle(encoded) == leaves
    if leaves[-1]:
        with pytest.raises(TileError):
            decode_bundle(encoded[:-1])
    with pytest.raises(TileError):
        decode_bundle(encoded + b"\x00")


@given(st.binary(max_size=80))
def test_whatever_is_read_as_a_bundle_is_written_the_same(data: bytes) -> None:
    try:
        leaves = decode_bundle(data)
    except TileError:
        return
    assert encode_bundle(leaves) == data


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: encode_bundle([]),
        lambda: encode_bundle([b""] * 257),
        lambda: encode_bundle([bytes(65_536)]),
        lambda: decode_bundle(b""),
        lambda: decode_bundle(b"\x00"),
        lambda: decode_bundle(b"\x00\x00" * 257),
    ],
)
def test_what_is_no_bundle_ends_in_the_one_error(attempt: Callable[[], object]) -> None:
    with pytest.raises(TileError):
        attempt()
