"""The Merkle tree: Certificate Transparency's published vectors, and what must hold for every size."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.merkle import (
    EMPTY_ROOT,
    Frontier,
    MerkleError,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from contracts.tiles import Tile, consistency_path, inclusion_path
from contracts.tiles import root as tiles_root
from tests.unit.contracts.trees import hashes, head, served

LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
"""The leaves of the reference trees of Certificate Transparency's implementations (RFC 6962)."""

ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The heads of the trees of the first 1 to 8 of them."""

_NODE_2_3 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
_NODE_4_7 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
_LEAF_4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"

INCLUSION = [
    (0, 1, []),
    (0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", _NODE_2_3, _NODE_4_7]),
    (5, 8, [_LEAF_4, "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", ROOTS[3]]),
    (2, 3, [ROOTS[1]]),
    (1, 5, [ROOTS[0], _NODE_2_3, _LEAF_4]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", _NODE_2_3, _NODE_4_7]),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            ROOTS[3],
        ],
    ),
    (2, 5, [_NODE_2_3, _LEAF_4]),
]


def test_the_published_roots_come_out() -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    frontier = Frontier()
    assert frontier.root() == root_of([]) == EMPTY_ROOT
    for size, expected in enumerate(ROOTS, 1):
        frontier.append(leaves[size - 1])
        assert root_of(leaves[:size]).hex() == frontier.root().hex() == expected
        assert Frontier.from_bytes(frontier.to_bytes()).root() == frontier.root()


def test_a_proof_of_another_leaf_fails() -> None:
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    root = node_hash(left, right)
    verify_inclusion(left, 0, 2, [right], root)
    with pytest.raises(MerkleError, match="does not lead"):
        verify_inclusion(right, 0, 2, [right], root)
    verify_consistency(1, left, 2, root, [right])
    with pytest.raises(MerkleError, match="does not begin"):
        verify_consistency(1, right, 2, root, [right])


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_the_published_proofs_of_inclusion_hold(index: int, size: int, path: list[str]) -> None:
    leaves, root = [leaf_hash(leaf) for leaf in LEAVES], bytes.fromhex(ROOTS[size - 1])
    proof = [bytes.fromhex(text) for text in path]
    verify_inclusion(leaves[index], index, size, proof, root)
    assert inclusion_path(index, size, {Tile(0, 0, size): b"".join(leaves[:size])}) == proof


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_the_published_proofs_of_consistency_hold(old: int, new: int, path: list[str]) -> None:
    leaves = [leaf_hash(leaf) for leaf in LEAVES]
    old_root, new_root = (bytes.fromhex(ROOTS[size - 1]) for size in (old, new))
    proof = [bytes.fromhex(text) for text in path]
    verify_consistency(old, old_root, new, new_root, proof)
    assert consistency_path(old, new, {Tile(0, 0, new): b"".join(leaves[:new])}) == proof


sizes = st.integers(1, 1100)


@given(sizes)
def test_a_tree_has_the_same_root_however_it_is_made(size: int) -> None:
    frontier = Frontier()
    for added in hashes(size):
        frontier.append(added)
    again = Frontier.from_bytes(frontier.to_bytes())
    expected = head(hashes(size))
    assert root_of(hashes(size)) == frontier.root() == again.root() == tiles_root(size, served(size)) == expected
    grown = again.copy()
    grown.append(leaf_hash(b"one more"))
    assert (grown.size, again.size) == (size + 1, size)
    assert again.root() == expected != grown.root()


@given(st.data())
def test_every_proof_of_inclusion_holds_and_no_altered_one_does(data: st.DataObject) -> None:
    size = data.draw(sizes)
    index = data.draw(st.integers(0, size - 1))
    root, proved = head(hashes(size)), hashes(size)[index]
    path = inclusion_path(index, size, served(size))
    verify_inclusion(proved, index, size, path, root)
    for altered in _altered(path, data):
        with pytest.raises(MerkleError):
            verify_inclusion(proved, index, size, altered, root)
    with pytest.raises(MerkleError):
        verify_inclusion(_with_a_bit_flipped(proved, data), index, size, path, root)
    with pytest.raises(MerkleError):
        verify_inclusion(proved, index, size, path, _with_a_bit_flipped(root, data))
    other = data.draw(st.integers(-2, size + 2).filter(lambda drawn: drawn != index))
    with pytest.raises(MerkleError):
        verify_inclusion(proved, other, size, path, root)


@given(st.data())
def test_every_proof_of_consistency_holds_and_no_altered_one_does(data: st.DataObject) -> None:
    new = data.draw(sizes)
    old = data.draw(st.integers(0, new))
    old_root, new_root = head(hashes(old)) if old else EMPTY_ROOT, head(hashes(new))
    path = consistency_path(old, new, served(new))
    verify_consistency(old, old_root, new, new_root, path)
    for altered in _altered(path, data):
        with pytest.raises(MerkleError):
            verify_consistency(old, old_root, new, new_root, altered)
    with pytest.raises(MerkleError):
        verify_consistency(old, _with_a_bit_flipped(old_root, data), new, new_root, path)
    if old:
        with pytest.raises(MerkleError):
            verify_consistency(old, old_root, new, _with_a_bit_flipped(new_root, data), path)
        with pytest.raises(MerkleError):
            verify_consistency(new + 1, old_root, new, new_root, path)


def _altered(path: list[bytes], data: st.DataObject) -> list[list[bytes]]:
    """A path with a hash too many, or one altered, missing or cut short, or two of them exchanged."""
    altered = [[*path, EMPTY_ROOT], [EMPTY_ROOT, *path]]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        altered += [
            [*path[:at], *path[at + 1 :]],
            [*path[:at], _with_a_bit_flipped(path[at], data), *path[at + 1 :]],
            [*path[:at], path[at][:-1], *path[at + 1 :]],
        ]
    if len(path) > 1:
        altered.append([path[1], path[0], *path[2:]])
    return altered


def _with_a_bit_flipped(hash_: bytes, data: st.DataObject) -> bytes:
    bit = data.draw(st.integers(0, 255))
    return (int.from_bytes(hash_) ^ 1 << bit).to_bytes(32)


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: root_of([b"short"]),
        lambda: Frontier().append(b"short"),
        lambda: verify_inclusion(EMPTY_ROOT, 0, 0, [], EMPTY_ROOT),
        lambda: verify_inclusion(EMPTY_ROOT, 0, -1, [], EMPTY_ROOT),
        lambda: verify_inclusion(EMPTY_ROOT, 0, 2**63, [], EMPTY_ROOT),
        lambda: verify_inclusion(b"", 0, 1, [], EMPTY_ROOT),
        lambda: verify_consistency(-1, EMPTY_ROOT, 1, EMPTY_ROOT, []),
        lambda: verify_consistency(1, EMPTY_ROOT, 2**63, EMPTY_ROOT, []),
        lambda: verify_consistency(0, EMPTY_ROOT, 1, b"short", []),
        lambda: verify_consistency(3, EMPTY_ROOT, 7, EMPTY_ROOT, []),
        lambda: Frontier.from_bytes(b""),
        lambda: Frontier.from_bytes(bytes(7)),
        lambda: Frontier.from_bytes(bytes(9)),
        lambda: Frontier.from_bytes(b"\x00" * 7 + b"\x01"),
        lambda: Frontier.from_bytes(b"\xff" * 8 + bytes(32 * 64)),
    ],
)
def test_what_is_no_tree_ends_in_the_one_error(attempt: Callable[[], object]) -> None:
    with pytest.raises(MerkleError):
        attempt()


def test_the_empty_frontier_is_stored_and_read() -> None:
    assert Frontier.from_bytes(Frontier().to_bytes()).root() == EMPTY_ROOT
