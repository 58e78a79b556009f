"""The Merkle tree of a log: hashes, tree heads, proofs of inclusion and of consistency.

Source: RFC 9162, section 2.1, with SHA-256; the same tree as that of RFC 6962. Nothing here reads or writes.
"""

import hashlib
from collections.abc import Iterator, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The head of a tree without leaves (section 2.1.1)."""

MAX_SIZE = 2**63 - 1
_SIZE_BYTES = 8


class MerkleError(ValueError):
    """A proof that does not hold, or something that is no hash or no place in a tree."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The head of the tree over these leaf hashes, or of any row of a tree over the row's hashes (section 2.1.1)."""
    _check_hashes(hashes)
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        # A last one without a partner goes up as it is: the tree is always as full as can be on its left.
        odd = row[len(row) - len(row) % 2 :]
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=False)] + odd
    return row[0]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf with the hash ``leaf`` is the ``index``-th (from 0) of the tree of ``size`` with ``root``.

    Raises MerkleError where it is not (section 2.1.3.2).
    """
    _check_size(size)
    if not 0 <= index < size:
        raise MerkleError(f"a tree of {size} leaves has no leaf {index}")
    _check_hashes((leaf, root, *path))
    found = leaf
    for sibling, on_left in _siblings(index, size - 1, path):
        found = node_hash(sibling, found) if on_left else node_hash(found, sibling)
    if found != root:
        raise MerkleError(f"the inclusion proof of leaf {index} does not lead to the root of the tree of {size}")


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """Check that the tree of ``new_size`` begins with the whole tree of ``old_size``.

    Raises MerkleError where it does not (section 2.1.4.2). Every tree begins with the empty one, and with itself.
    """
    _check_size(old_size)
    _check_size(new_size)
    _check_hashes((old_root, new_root, *path))
    if old_size > new_size:
        raise MerkleError(f"a tree of {new_size} leaves cannot begin with one of {old_size}")
    if old_size in (0, new_size):
        _check_without_path(old_size, old_root, new_size, new_root, path)
        return
    # A tree that is one full subtree of the new one begins the proof by itself.
    hashes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not path:
        raise MerkleError("the proof has too few hashes")
    place, last = old_size - 1, new_size - 1
    while place % 2 == 1:
        place, last = place >> 1, last >> 1
    old_found = new_found = hashes[0]
    for sibling, on_left in _siblings(place, last, hashes[1:]):
        if on_left:
            old_found, new_found = node_hash(sibling, old_found), node_hash(sibling, new_found)
        else:
            new_found = node_hash(new_found, sibling)
    if (old_found, new_found) != (old_root, new_root):
        raise MerkleError(f"the tree of {new_size} leaves does not begin with the one of {old_size}")


class Frontier:
    """A tree that grows: the heads of its full subtrees, one for each bit of its size, and nothing below them."""

    __slots__ = ("_heads", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._heads: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add a leaf by its hash."""
        if len(leaf) != HASH_BYTES:
            raise MerkleError(f"a hash has {HASH_BYTES} bytes, not {len(leaf)}")
        head, size = leaf, self._size
        while size % 2 == 1:
            head, size = node_hash(self._heads.pop(), head), size >> 1
        self._heads.append(head)
        self._size += 1

    def root(self) -> bytes:
        """The head of the tree as it stands."""
        if not self._heads:
            return EMPTY_ROOT
        head = self._heads[-1]
        for left in reversed(self._heads[:-1]):
            head = node_hash(left, head)
        return head

    def copy(self) -> "Frontier":
        """Another one that grows on its own from here."""
        other = Frontier()
        other._size, other._heads = self._size, list(self._heads)
        return other

    def to_bytes(self) -> bytes:
        """The size in 8 bytes, big-endian, and the heads from the largest subtree to the smallest."""
        return self._size.to_bytes(_SIZE_BYTES) + b"".join(self._heads)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Frontier":
        """What ``to_bytes`` wrote. Raises MerkleError for anything else."""
        size, heads = int.from_bytes(data[:_SIZE_BYTES]), data[_SIZE_BYTES:]
        if len(data) < _SIZE_BYTES or size > MAX_SIZE or len(heads) != HASH_BYTES * size.bit_count():
            raise MerkleError("this is no frontier of a tree")
        frontier = cls()
        frontier._size = size
        frontier._heads = [heads[at : at + HASH_BYTES] for at in range(0, len(heads), HASH_BYTES)]
        return frontier


def _siblings(place: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of ``path``, and whether it stands on the left, going up from the node at ``place`` of a row whose last
    one is at ``last``. Raises MerkleError where the path does not end at the root.
    """
    for sibling in path:
        if last == 0:
            raise MerkleError("the proof has too many hashes")
        on_left = place % 2 == 1 or place == last
        yield sibling, on_left
        while on_left and place % 2 == 0 and place != 0:
            # A node at the right edge that has no partner is its own parent.
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last != 0:
        raise MerkleError("the proof has too few hashes")


def _check_without_path(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> None:
    if path:
        raise MerkleError("the proof has too many hashes")
    if old_size == new_size and old_root != new_root:
        raise MerkleError(f"there are two trees of {new_size} leaves")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise MerkleError("this is not the root of a tree without leaves")


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise MerkleError(f"a tree has from 0 to {MAX_SIZE} leaves, not {size}")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise MerkleError(f"a hash has {HASH_BYTES} bytes, not {len(value)}")
