"""A log in memory that signs whatever it is told to, with proofs by the definition in RFC 6962 section 2.1.2."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.checkpoints import Checkpoint
from contracts.merkle import leaf_hash, root_of
from contracts.notes import Note, SigningKey, parse_note
from services.witness.request import AddCheckpoint

ORIGIN = "huizhi.local/national/0"
KEY = SigningKey.generate(ORIGIN)


def leaves(count: int, mark: str = "") -> list[bytes]:
    """So many leaves' hashes; another mark makes others."""
    return [leaf_hash(f"{mark}{number}".encode()) for number in range(count)]


@dataclass(frozen=True)
class Branch:
    """One history of the log: its leaves' hashes."""

    leaves: list[bytes] = field(default_factory=list)
    key: SigningKey = KEY

    def grown(self, count: int, mark: str = "") -> "Branch":
        """The same history with more leaves behind it."""
        return Branch([*self.leaves, *leaves(count, f"{mark}{len(self.leaves)}/")], self.key)

    def cut(self, size: int) -> "Branch":
        """The same history as it was at a size."""
        return Branch(self.leaves[:size], self.key)

    @property
    def checkpoint(self) -> Checkpoint:
        """What the log says of it."""
        return Checkpoint(self.key.name, len(self.leaves), root_of(self.leaves))

    def note(self, *others: SigningKey) -> Note:
        """The same, signed."""
        text = self.checkpoint.text
        return Note(text, tuple(key.sign(text) for key in (self.key, *others)))

    def proof(self, old: int) -> tuple[bytes, ...]:
        """That it begins with its own first ``old`` leaves."""
        return tuple(consistency(old, self.leaves)) if 0 < old < len(self.leaves) else ()

    def asks(self, old: int, proof: Sequence[bytes] | None = None) -> AddCheckpoint:
        """The request to have it cosigned."""
        found = self.proof(old) if proof is None else tuple(proof)
        return AddCheckpoint(old, found, self.checkpoint, parse_note(str(self.note())))


def consistency(old: int, hashes: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF(old, hashes, whole)."""
    if old == len(hashes):
        return [] if whole else [root_of(hashes)]
    left = 1 << ((len(hashes) - 1).bit_length() - 1)
    if old <= left:
        return [*consistency(old, hashes[:left], whole=whole), root_of(hashes[left:])]
    return [*consistency(old - left, hashes[left:], whole=False), root_of(hashes[:left])]
