"""Whether a checkpoint goes on from the one before it. Source: C2SP tlog-witness, section "add-checkpoint".

Pure. A checkpoint that passes is consistent with every one that passed before it: that is all that a witness vouches
for.
"""

from dataclasses import dataclass

from contracts.merkle import EMPTY_ROOT, MerkleError, verify_consistency
from services.witness.outcome import Outcome, RefusedError
from services.witness.request import AddCheckpoint


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest checkpoint of a log that was cosigned."""

    size: int
    root: bytes


NEVER = Seen(0, EMPTY_ROOT)
"""What stands for a log that no checkpoint was cosigned of."""


def expect_to_go_on(seen: Seen, asked: AddCheckpoint) -> None:
    """Raises RefusedError unless ``asked`` shows that its tree begins with the one that was ``seen``."""
    checkpoint = asked.checkpoint
    if asked.old != seen.size:
        raise RefusedError(Outcome.OTHER_SIZE, f"the newest cosigned size is {seen.size}, not {asked.old}", seen.size)
    if checkpoint.size == seen.size and checkpoint.root != seen.root:
        detail = f"there are two trees of {seen.size} leaves, and the other one is cosigned"
        raise RefusedError(Outcome.FORKED, detail, seen.size)
    try:
        verify_consistency(seen.size, seen.root, checkpoint.size, checkpoint.root, asked.proof)
    except MerkleError as error:
        raise RefusedError(Outcome.INCONSISTENT, str(error)) from None
