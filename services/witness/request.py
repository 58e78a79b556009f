"""What a log asks of a witness. Source: C2SP tlog-witness, section "add-checkpoint"."""

import base64
import binascii
import re
from dataclasses import dataclass

from contracts.checkpoints import Checkpoint, parse_checkpoint
from contracts.merkle import HASH_BYTES, MAX_SIZE
from contracts.notes import Note, NoteError, parse_note
from services.witness.outcome import Outcome, RefusedError

MAX_PROOF_LINES = 63

_OLD = re.compile(rb"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A checkpoint to cosign, the size that the log takes for the witness's newest, and the proof from there."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint
    note: Note


def read_request(body: bytes) -> AddCheckpoint:
    """The request in ``body``. Raises RefusedError (malformed) for anything that the specification does not allow."""
    head, blank, signed = body.partition(b"\n\n")
    first, *lines = head.split(b"\n")
    old = _OLD.fullmatch(first)
    if not blank or old is None or int(old[1]) > MAX_SIZE:
        raise _malformed("a request is a line `old` with a size, lines of hashes, an empty line, and a checkpoint")
    if len(lines) > MAX_PROOF_LINES:
        raise _malformed(f"a consistency proof has at most {MAX_PROOF_LINES} lines")
    proof = tuple(_hash(line) for line in lines)
    try:
        note = parse_note(signed)
        checkpoint = parse_checkpoint(note.text)
    except NoteError as error:
        raise _malformed(str(error)) from None
    if int(old[1]) > checkpoint.size:
        raise _malformed(f"the old size {int(old[1])} is larger than the checkpoint's, {checkpoint.size}")
    return AddCheckpoint(int(old[1]), proof, checkpoint, note)


def _hash(line: bytes) -> bytes:
    try:
        value = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        value = b""
    if len(value) != HASH_BYTES or base64.b64encode(value) != line:
        raise _malformed(f"a line of a consistency proof is a hash of {HASH_BYTES} bytes in base64")
    return value


def _malformed(detail: str) -> RefusedError:
    return RefusedError(Outcome.MALFORMED, detail)
