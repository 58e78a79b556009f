"""Proof documents: a figure, or what happened to a message, with all that a stranger needs to check it offline.

A document says what it is about, and holds leaves, the way from each of them to the root of the tree, and the log's
checkpoint of that root. It is about one of three things:

    {"message": id}                                                    what happened to a message: its leaves
    {"jurisdiction", "role", "period", "tier", "closed": false, …}     a month's figures: the newest leaf of each cohort
    {"jurisdiction", "role", "period", "tier", "closed": true, …}      a closed month's: its leaf, and its whole table

"figures" holds eight counts. ``jurisdiction`` "" is the whole platform, ``tier`` null both tiers together.

What a document cannot show is what it leaves out: that a cohort had no newer leaf by then, or that there was no other
cohort. That takes reading the whole log.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from contracts.addresses import AddressError, covers, parse_address
from contracts.checkpoints import Checkpoint, open_checkpoint
from contracts.leaf import (
    MAX_INTEGER,
    TABLE_COUNTS,
    TABLE_KEY,
    Leaf,
    LeafError,
    Totals,
    decode_leaf,
    parse_canonical,
    table_digest,
)
from contracts.merkle import MAX_SIZE, MerkleError, leaf_hash, verify_inclusion
from contracts.notes import Note, NoteError, VerifierKey, open_note, parse_note

FORMAT = "huizhi-proof/1"
TLOG_PROOF = "c2sp.org/tlog-proof@v1"
CLOSED = "closed"
ROLES = {"recipient": "address", "sender": "from"}
"""From which role a cohort is seen, and which member of a leaf's data says whose it is then."""

TIERS = ("national", "provincial")

_OF_A_MESSAGE = {"message"}
_OF_FIGURES = {"jurisdiction", "role", "period", "tier", "closed", "figures"}
_ROW = {*TABLE_KEY, "period", *TABLE_COUNTS}


class ProofError(ValueError):
    """What is no proof document, or does not prove what it is about. The text says what is wrong."""


@dataclass(slots=True)
class LeafProof:
    """A leaf's bytes, its place in the log, and the hashes on its way to the root."""

    leaf: bytes
    index: int
    path: list[bytes]


@dataclass(slots=True)
class ProofDocument:
    """A proof as it is handed out: what it is about, leaves, a checkpoint, and a closed month's table, line by line."""

    about: Mapping[str, Any]
    leaves: list[LeafProof]
    checkpoint: str
    table: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What a document that holds has shown: by whose signatures, what leaves, and which figures, where it has any."""

    checkpoint: Checkpoint
    note: Note
    signers: tuple[VerifierKey, ...]
    leaves: tuple[Leaf, ...]
    figures: Totals | None


@dataclass(frozen=True, slots=True)
class _Claim:
    """The figures a document is about."""

    jurisdiction: str
    role: str
    period: str
    tier: str | None
    closed: bool
    figures: Totals

    def covers(self, address: object, tier: object, period: object) -> bool:
        if period != self.period or tier not in (TIERS if self.tier is None else (self.tier,)):
            return False
        try:
            return isinstance(address, str) and (not self.jurisdiction or covers(self.jurisdiction, address))
        except AddressError:
            return False


class _WrittenLeaf(msgspec.Struct, forbid_unknown_fields=True):
    index: int
    leaf: str
    path: list[str]


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    about: dict[str, Any]
    leaves: list[_WrittenLeaf]
    checkpoint: str
    table: list[str] | None = None


def figures_of(totals: Totals) -> dict[str, int]:
    """Totals as a document's "figures" say them: the seven, and ``unanswered``."""
    return {**totals.to_dict(), "unanswered": totals.unanswered}


def encode_proof(document: ProofDocument) -> bytes:
    """The document as JSON. Raises ProofError for one that cannot be written."""
    try:
        leaves = [
            _WrittenLeaf(proof.index, proof.leaf.decode(), [_base64(sibling) for sibling in proof.path])
            for proof in document.leaves
        ]
        written = _Written(FORMAT, dict(document.about), leaves, document.checkpoint, document.table)
        return msgspec.json.encode(written)
    except (UnicodeError, TypeError):
        raise ProofError("this cannot be written as a proof") from None


def decode_proof(data: bytes) -> ProofDocument:
    """The document that ``data`` writes; nothing of it is checked yet. Raises ProofError."""
    try:
        written = msgspec.json.decode(data, type=_Written)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProofError(f"this is no proof document: {error}") from None
    if written.format != FORMAT:
        raise ProofError(f"this is no proof document of the form {FORMAT}")
    leaves = [
        LeafProof(_utf8(proof.leaf), proof.index, [_hash(sibling) for sibling in proof.path])
        for proof in written.leaves
    ]
    return ProofDocument(written.about, leaves, written.checkpoint, written.table)


def check_proof(document: ProofDocument, keys: Iterable[VerifierKey]) -> Checked:
    """What ``document`` shows to whoever trusts ``keys``.

    The checkpoint must be signed by a key of its log, every leaf lie in the tree, and the leaves (or the table that one
    of them commits to) say just what the document is about. Raises ProofError naming what is wrong.
    """
    trusted = list(keys)
    try:
        checkpoint, note = open_checkpoint(document.checkpoint, trusted)
        signers = tuple(open_note(note, trusted))
    except NoteError as error:
        raise ProofError(f"the checkpoint: {error}") from None
    leaves = tuple(_included(proof, checkpoint) for proof in document.leaves)
    if len({leaf.index for leaf in leaves}) != len(leaves):
        raise ProofError("a leaf comes twice")
    figures = _check_about(document, leaves)
    return Checked(checkpoint, note, signers, leaves, figures)


def tlog_proof(leaf_proof: LeafProof, checkpoint: str) -> str:
    """One leaf's proof in the form of C2SP tlog-proof, section "Format". Raises ProofError for what has none."""
    try:
        parse_note(checkpoint)
    except NoteError as error:
        raise ProofError(f"the checkpoint: {error}") from None
    if not 0 <= leaf_proof.index <= MAX_SIZE:
        raise ProofError("a leaf's index is not negative")
    path = "".join(f"{_base64(sibling)}\n" for sibling in leaf_proof.path)
    return f"{TLOG_PROOF}\nindex {leaf_proof.index}\n{path}\n{checkpoint}"


def _included(proof: LeafProof, checkpoint: Checkpoint) -> Leaf:
    try:
        leaf = decode_leaf(proof.leaf)
        verify_inclusion(leaf_hash(proof.leaf), proof.index, checkpoint.size, proof.path, checkpoint.root)
    except (LeafError, MerkleError) as error:
        raise ProofError(f"leaf {proof.index}: {error}") from None
    if leaf.index != proof.index:
        raise ProofError(f"leaf {proof.index} says that it is leaf {leaf.index}")
    return leaf


def _check_about(document: ProofDocument, leaves: Sequence[Leaf]) -> Totals | None:
    about = document.about
    if set(about) == _OF_A_MESSAGE:
        _check_message(about["message"], leaves)
        _check_no_table(document)
        return None
    claim = _claim(about)
    if claim.closed:
        shown = _closed_totals(claim, leaves, document.table)
    else:
        _check_no_table(document)
        shown = _sum(_cohort_totals(claim, leaves))
    if shown != claim.figures:
        raise ProofError(f"the leaves add up to {_shown(shown)}, and not to {_shown(claim.figures)}, as it says")
    return shown


def _check_message(text: object, leaves: Sequence[Leaf]) -> None:
    try:
        message = UUID(text if isinstance(text, str) else "")
    except ValueError:
        raise ProofError("message is not an id") from None
    if not leaves:
        raise ProofError("there is no leaf of the message")
    for leaf in leaves:
        if leaf.message_id != message:
            raise ProofError(f"leaf {leaf.index} is about another message")


def _check_no_table(document: ProofDocument) -> None:
    if document.table is not None:
        raise ProofError("there is a table, and nothing closed that it belongs to")


def _claim(about: Mapping[str, Any]) -> _Claim:
    if set(about) != _OF_FIGURES:
        raise ProofError(f"a proof is about a message, or says {', '.join(sorted(_OF_FIGURES))}")
    if not isinstance(about["jurisdiction"], str) or not isinstance(about["period"], str):
        raise ProofError("jurisdiction and period are texts")
    if about["jurisdiction"]:
        try:
            parse_address(about["jurisdiction"])
        except AddressError as error:
            raise ProofError(f"jurisdiction: {error}") from None
    if about["role"] not in tuple(ROLES):
        raise ProofError(f"role is {' or '.join(ROLES)}")
    if about["tier"] not in (None, *TIERS):
        raise ProofError(f"tier is {', '.join(TIERS)} or null")
    if not isinstance(about["closed"], bool):
        raise ProofError("closed is true or false")
    return _Claim(**{**about, "figures": _claimed_figures(about["figures"])})


def _claimed_figures(value: object) -> Totals:
    if not isinstance(value, dict) or set(value) != set(TABLE_COUNTS):
        raise ProofError(f"figures are the counts {', '.join(TABLE_COUNTS)}")
    return _counts(value, "the figures")


def _counts(value: Mapping[str, Any], whose: str) -> Totals:
    """Totals of eight counts, of which the others give ``unanswered``."""
    if not all(type(value[name]) is int and 0 <= value[name] <= MAX_INTEGER for name in TABLE_COUNTS):
        raise ProofError(f"{whose}: a count is a whole number, and not negative")
    totals = Totals(**{name: value[name] for name in TABLE_COUNTS if name != "unanswered"})
    if not totals.possible or totals.unanswered != value["unanswered"]:
        raise ProofError(f"{whose} cannot be: a part is larger than its whole, or they do not add up")
    return totals


def _cohort_totals(claim: _Claim, leaves: Sequence[Leaf]) -> Iterator[Totals]:
    seen = set()
    for leaf in leaves:
        stated = leaf.data.get("totals")
        if not isinstance(stated, dict):
            raise ProofError(f"leaf {leaf.index} states no totals")
        address, tier, period = (leaf.data.get(name) for name in (ROLES[claim.role], "tier", "period"))
        if not claim.covers(address, tier, period):
            raise ProofError(f"leaf {leaf.index} is of a cohort that the figures are not about")
        if (address, tier) in seen:
            raise ProofError(f"leaf {leaf.index} is of a cohort that is counted already")
        seen.add((address, tier))
        try:
            totals = Totals.from_dict(stated.get(claim.role))
        except LeafError as error:
            raise ProofError(f"leaf {leaf.index}: {error}") from None
        if not totals.possible:
            raise ProofError(f"leaf {leaf.index} states totals that cannot be")
        yield totals


def _closed_totals(claim: _Claim, leaves: Sequence[Leaf], table: Sequence[str] | None) -> Totals:
    if len(leaves) != 1 or leaves[0].event != CLOSED or leaves[0].data.get("period") != claim.period:
        raise ProofError(f"the figures of a closed month take the one leaf that closes {claim.period}")
    if table is None:
        raise ProofError("the closed month's table is missing")
    lines = [_utf8(line) for line in table]
    if leaves[0].data.get("table") != {"rows": len(lines), "sha256": table_digest(lines)}:
        raise ProofError("the table is not the one that the leaf commits to")
    return _sum(_row_totals(claim, lines))


def _row_totals(claim: _Claim, lines: Sequence[bytes]) -> Iterator[Totals]:
    before: tuple[str, ...] | None = None
    for number, line in enumerate(lines, 1):
        row = _row(line, number)
        key = tuple(row[name] for name in TABLE_KEY)
        if before is not None and key <= before:
            raise ProofError(f"row {number} of the table is not in its order")
        before = key
        totals = _counts(row, f"row {number} of the table")
        if row["period"] != claim.period:
            raise ProofError(f"row {number} of the table is of another month")
        if row["role"] == claim.role and claim.covers(row["address"], row["tier"], row["period"]):
            yield totals


def _row(line: bytes, number: int) -> dict[str, Any]:
    try:
        row = parse_canonical(line)
    except LeafError as error:
        raise ProofError(f"row {number} of the table: {error}") from None
    if not isinstance(row, dict) or set(row) != _ROW or not all(isinstance(row[name], str) for name in TABLE_KEY):
        raise ProofError(f"row {number} of the table has not the members that a row has")
    return row


def _sum(totals: Iterable[Totals]) -> Totals:
    return sum(totals, Totals())


def _shown(totals: Totals) -> str:
    return ", ".join(f"{count} {name}" for name, count in figures_of(totals).items())


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ProofError("a proof is a text in UTF-8") from None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _hash(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProofError("a hash on a leaf's way to the root is not base64") from None
