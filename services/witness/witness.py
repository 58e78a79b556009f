"""The steps of a cosignature, in the order that everything depends on: judge, record, sign."""

import time
from collections.abc import Callable

import structlog

from contracts.cosignatures import CosigningKey
from contracts.notes import Signature
from services.runtime.kill_points import reached
from services.witness.judging import expect_to_go_on
from services.witness.outcome import Outcome, RefusedError
from services.witness.record import Record
from services.witness.request import AddCheckpoint
from services.witness.trust import Trust

log = structlog.get_logger(__name__)

_MISBEHAVIOUR = {Outcome.FORKED: "fork_refused", Outcome.INCONSISTENT: "inconsistency_refused"}


class Witness:
    """Cosigns the checkpoints of the logs that it trusts. ``cosign`` may be called from any thread."""

    def __init__(self, trust: Trust, key: CosigningKey, record: Record, now: Callable[[], float] = time.time) -> None:
        self._trust = trust
        self._key = key
        self._record = record
        self._now = now

    def cosign(self, asked: AddCheckpoint) -> Signature:
        """The cosignature of a checkpoint that goes on from the one before it, once it is recorded.

        Raises RefusedError, and sqlite3.Error where it cannot be recorded.
        """
        self._trust.check(asked)
        try:
            self._record.advance(asked.checkpoint, str(asked.note), lambda seen: expect_to_go_on(seen, asked))
        except RefusedError as refused:
            if refused.outcome in _MISBEHAVIOUR:
                self._say(refused, asked)
            raise
        reached("witness.recorded")
        return self._key.cosign(asked.note.text, int(self._now()))

    def _say(self, refused: RefusedError, asked: AddCheckpoint) -> None:
        # The note is public, and signed by the log: beside the recorded one it is what a fork is proved with. A proof
        # that does not hold may be anybody's; two trees of one size are the log's own.
        seen = self._record.seen(asked.checkpoint.origin)
        log.error(
            _MISBEHAVIOUR[refused.outcome],
            origin=asked.checkpoint.origin,
            detail=str(refused),
            cosigned_size=seen.size,
            cosigned_root=seen.root.hex(),
            note=str(asked.note),
        )
