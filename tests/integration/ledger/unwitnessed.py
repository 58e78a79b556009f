"""A log that nobody confirms, for tests of everything else about it."""

from collections.abc import Sequence

from contracts.checkpoints import Checkpoint
from contracts.notes import Note, Signature, VerifierKey
from services.ledger.publishing import Consistency


class NoWitnesses:
    """A cosigner for a log that has no witnesses."""

    @property
    def keys(self) -> Sequence[VerifierKey]:
        """None."""
        return ()

    async def cosign(self, _checkpoint: Checkpoint, _note: Note, _consistency: Consistency) -> Sequence[Signature]:
        """None."""
        return ()
