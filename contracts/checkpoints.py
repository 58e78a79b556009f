"""Checkpoints: what a log says of its whole tree at one size, and signs.

Source: C2SP tlog-checkpoint, section "Note text".
"""

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from contracts.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from contracts.notes import COSIGNATURE, Note, NoteError, VerifierKey, check_text, open_note, parse_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class CheckpointError(NoteError):
    """A text that is no checkpoint, or a checkpoint of another log."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's name, how many leaves its tree has, and the root. ``extensions`` are lines that mean nothing here."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The checkpoint as it is signed."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions))


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a note's text writes. Raises CheckpointError."""
    try:
        check_text(text)
    except NoteError as error:
        raise CheckpointError(str(error)) from None
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise CheckpointError("a checkpoint has at least three lines, none of them empty")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise CheckpointError(f"a checkpoint's second line is the tree's size, from 0 to {MAX_SIZE}")
    checkpoint = Checkpoint(origin, int(size), _root(root), tuple(extensions))
    if checkpoint.text != text:
        raise CheckpointError("a checkpoint's third line is the root in base64, exactly as it is written")
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise CheckpointError("a checkpoint of an empty tree has the root of one")
    return checkpoint


def open_checkpoint(
    note: str | bytes, keys: Iterable[VerifierKey], origin: str | None = None
) -> tuple[Checkpoint, Note]:
    """The checkpoint in ``note``, once every signature by one of ``keys`` is found to hold, a key of the log itself
    (that is named like its origin) among them.

    Raises NoteError where one does not hold or the log's is missing, CheckpointError for what is no checkpoint, or one
    of another log than ``origin``.
    """
    opened = parse_note(note)
    signers = open_note(opened, keys)
    checkpoint = parse_checkpoint(opened.text)
    if origin is not None and checkpoint.origin != origin:
        raise CheckpointError(f"this is a checkpoint of another log than {origin}")
    if not any(key.name == checkpoint.origin and key.algorithm != COSIGNATURE for key in signers):
        raise NoteError("the checkpoint is not signed by a key of its log that is trusted here")
    return checkpoint, opened


def _root(text: str) -> bytes:
    try:
        root = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != HASH_BYTES:
        raise CheckpointError(f"a checkpoint's third line is the root in base64, {HASH_BYTES} bytes")
    return root
