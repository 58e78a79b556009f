"""The Merkle tree: Certificate Transparency's published vectors, and what must hold for every size."""

import pytest

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


def test_the_published_roots_come_out() -> None:
    hashes = [leaf_hash(leaf) for leaf in LEAVES]
    frontier = Frontier()
    assert frontier.root() == root_of([]) == EMPTY_ROOT
    for size, expected in enumerate(ROOTS, 1):
        frontier.append(hashes[size - 1])
        assert root_of(hashes[:size]).hex() == frontier.root().hex() == expected
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
