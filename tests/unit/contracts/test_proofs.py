"""Proof documents: what they are about is shown by their leaves or refused, and nothing of them can be altered."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contracts.checkpoints import Checkpoint
from contracts.cosignatures import CosigningKey
from contracts.leaf import Leaf, Totals, closing_table, encode_leaf, table_digest
from contracts.merkle import leaf_hash, root_of, verify_inclusion
from contracts.notes import Note, SigningKey, parse_note
from contracts.proofs import (
    LeafProof,
    ProofDocument,
    ProofError,
    check_proof,
    decode_proof,
    encode_proof,
    figures_of,
    tlog_proof,
)
from contracts.tiles import Tile, inclusion_path

ORIGIN = "huizhi.local/national/0"
LOG = SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESS = CosigningKey("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes([2] * 32)))
AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
QUERY = UUID("019abc00-0000-7000-8000-000000000001")
COUNTED = Totals(received=714, answered=713, on_time=700, on_time_original=690, substantive=650, forwarded=1)


def moving(index: int, address: str, totals: Totals, *, tier: str = "national", period: str = "2026-11") -> Leaf:
    stated = {"recipient": totals.to_dict(), "sender": (totals + Totals(received=1)).to_dict()}
    data = {"from": "310115", "address": address, "tier": tier, "period": period, "totals": stated}
    return Leaf(index, AT, "answered", QUERY, data)


ROWS = [
    {"role": role, "address": address, "tier": "national", "kind": kind, "period": "2026-11", **figures_of(COUNTED)}
    for role, address in (
        ("recipient", "410102"),
        ("recipient", "410103"),
        ("sender", "410102"),
        ("recipient", "310115"),
    )
    for kind in ("case.assist", "certificate.verify")
]
TABLE = closing_table(ROWS)

LEAVES = [
    moving(0, "410102", COUNTED),
    moving(1, "410102.health", COUNTED),
    moving(2, "410102", Totals(received=3), tier="provincial"),
    moving(3, "410103", Totals(received=5), period="2026-12"),
    moving(4, "310115", Totals(received=7)),
    Leaf(5, AT, "rated", QUERY, {"timely": True}),
    Leaf(
        6,
        AT,
        "closed",
        None,
        {"period": "2026-11", "as_of": AT.isoformat(), "table": {"sha256": table_digest(TABLE), "rows": len(TABLE)}},
    ),
    moving(7, "410103", Totals(received=1, answered=2)),
    Leaf(
        8,
        AT,
        "accepted",
        UUID(int=1),
        {"totals": {"recipient": 1}, "address": "410102", "tier": "national", "period": "2026-11"},
    ),
]
ENCODED = [encode_leaf(leaf) for leaf in LEAVES]
HASHES = [leaf_hash(encoded) for encoded in ENCODED]
CHECKPOINT = Checkpoint(ORIGIN, len(LEAVES), root_of(HASHES))
NOTE = str(Note(CHECKPOINT.text, (LOG.sign(CHECKPOINT.text), WITNESS.cosign(CHECKPOINT.text, 1_700_000_000))))


def proved(*indexes: int) -> list[LeafProof]:
    tiles = {Tile(0, 0, len(HASHES)): b"".join(HASHES)}
    return [LeafProof(ENCODED[index], index, inclusion_path(index, len(HASHES), tiles)) for index in indexes]


def about(totals: Totals, **changes: Any) -> dict[str, Any]:
    asked = {"jurisdiction": "410102", "role": "recipient", "period": "2026-11", "tier": None, "closed": False}
    return {**asked, "figures": figures_of(totals), **changes}


def document(about: dict[str, Any], *indexes: int, table: tuple[bytes, ...] | None = None) -> ProofDocument:
    return ProofDocument(about, proved(*indexes), NOTE, None if table is None else [line.decode() for line in table])


MESSAGE = document({"message": str(QUERY)}, 0, 5)
RATE = document(about(COUNTED + COUNTED + Totals(received=3)), 0, 1, 2)
CLOSED = document(about(COUNTED + COUNTED, closed=True), 6, table=TABLE)


@pytest.mark.parametrize(
    "document",
    [
        MESSAGE,
        RATE,
        CLOSED,
        document(about(COUNTED + COUNTED, tier="national"), 0, 1),
        document(about(COUNTED, jurisdiction="410102.health"), 1),
        document(about(Totals(received=5), jurisdiction="41", period="2026-12"), 3),
        document(about(COUNTED + Totals(received=1), role="sender", jurisdiction="31"), 0),
        document(about(COUNTED + Totals(received=7), jurisdiction=""), 0, 4),
        document(about(Totals())),
        document(about(sum([COUNTED] * 6, Totals()), closed=True, jurisdiction=""), 6, table=TABLE),
        document(about(sum([COUNTED] * 4, Totals()), closed=True, jurisdiction="41"), 6, table=TABLE),
        document(about(COUNTED + COUNTED, closed=True, role="sender", jurisdiction="41"), 6, table=TABLE),
        document(about(Totals(), closed=True, tier="provincial"), 6, table=TABLE),
    ],
)
def test_what_the_leaves_show_is_shown(document: ProofDocument) -> None:
    for read in (document, decode_proof(encode_proof(document))):
        checked = check_proof(read, [LOG.verifier])
        assert checked.checkpoint == CHECKPOINT
        assert checked.signers == (LOG.verifier,)
        assert [leaf.index for leaf in checked.leaves] == [proof.index for proof in document.leaves]
        figures = document.about.get("figures")
        assert (checked.figures and figures_of(checked.figures)) == figures or checked.figures == Totals()


def test_what_is_checked_names_all_signers_and_has_the_note() -> None:
    checked = check_proof(RATE, [WITNESS.verifier, LOG.verifier])
    assert checked.signers == (LOG.verifier, WITNESS.verifier)
    assert str(checked.note) == NOTE


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (document({"message": str(UUID(int=5))}, 0), "leaf 0 is about another message"),
        (document({"message": str(QUERY)}), "no leaf of the message"),
        (document({"message": "x"}, 0), "not an id"),
        (document({"message": 5}, 0), "not an id"),
        (document({"message": str(QUERY)}, 0, table=TABLE), "nothing closed that it belongs to"),
        (document({"message": str(QUERY)}, 0, 0), "comes twice"),
        (document(about(COUNTED), 0, 0), "comes twice"),
        (document(about(COUNTED + COUNTED), 0), "add up to 714 received"),
        (document(about(COUNTED + Totals(received=1)), 0), "and not to 715 received"),
        (document(about(COUNTED + Totals(received=5)), 0, 3), "leaf 3 is of a cohort that the figures are not about"),
        (document(about(COUNTED + Totals(received=7)), 0, 4), "leaf 4 is of a cohort that the figures are not about"),
        (document(about(Totals(received=3), tier="national"), 2), "leaf 2 is of a cohort"),
        (document(about(COUNTED, jurisdiction="410102.health"), 0), "leaf 0 is of a cohort"),
        (document(about(COUNTED, jurisdiction="410102.healt"), 1), "leaf 1 is of a cohort"),
        (document(about(COUNTED + COUNTED, role="sender", jurisdiction=""), 0, 1), "counted already"),
        (document(about(COUNTED), 5), "leaf 5 states no totals"),
        (document(about(COUNTED), 8), "leaf 8: totals are"),
        (document(about(Totals(), jurisdiction="41"), 7), "leaf 7 states totals that cannot be"),
        (document(about(COUNTED), 0, table=TABLE), "nothing closed"),
        (document(about(COUNTED + COUNTED, closed=True), 6), "table is missing"),
        (document(about(COUNTED + COUNTED, closed=True), table=TABLE), "the one leaf that closes 2026-11"),
        (document(about(COUNTED + COUNTED, closed=True), 5, table=TABLE), "the one leaf"),
        (document(about(COUNTED + COUNTED, closed=True, period="2026-12"), 6, table=TABLE), "closes 2026-12"),
        (document(about(COUNTED + COUNTED, closed=True), 6, table=TABLE[1:]), "not the one that the leaf commits to"),
        (document(about(COUNTED, closed=True), 6, table=TABLE), "add up to"),
        (document({}, 0), "is about a message, or says"),
        (document({**about(COUNTED), "more": 1}, 0), "is about a message, or says"),
        (document(about(COUNTED, jurisdiction=None), 0), "texts"),
        (document(about(COUNTED, jurisdiction="4"), 0), "jurisdiction: "),
        (document(about(COUNTED, period=2026), 0), "texts"),
        (document(about(COUNTED, role="asker"), 0), "role is"),
        (document(about(COUNTED, role=[]), 0), "role is"),
        (document(about(COUNTED, tier="local"), 0), "tier is"),
        (document(about(COUNTED, tier={}), 0), "tier is"),
        (document(about(COUNTED, closed=0), 0), "closed is"),
        (document(about(COUNTED, figures=[]), 0), "figures are the counts"),
        (document(about(COUNTED, figures={}), 0), "figures are the counts"),
        (document(about(COUNTED, figures={**figures_of(COUNTED), "received": 714.0}), 0), "whole number"),
        (document(about(COUNTED, figures={**figures_of(COUNTED), "received": -1}), 0), "whole number"),
        (document(about(COUNTED, figures={**figures_of(COUNTED), "unanswered": 1}), 0), "cannot be"),
        (document(about(COUNTED, figures={**figures_of(COUNTED), "on_time": 714}), 0), "cannot be"),
    ],
)
def test_what_the_leaves_do_not_show_is_refused(document: ProofDocument, says: str) -> None:
    with pytest.raises(ProofError, match=says):
        check_proof(document, [LOG.verifier])


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([TABLE[1], TABLE[0], *TABLE[2:]], "row 2 of the table is not in its order"),
        ([TABLE[0], *TABLE], "row 2 of the table is not in its order"),
        ([b"{}"], "row 1 of the table has not the members"),
        ([b"no json"], "row 1 of the table: this is not JSON"),
        ([TABLE[0] + b" "], "row 1 of the table: this is JSON, but not"),
        ([TABLE[0].replace(b'"310115"', b"310115")], "row 1 of the table has not the members"),
        ([TABLE[0].replace(b"714", b"715")], "row 1 of the table cannot be"),
        ([TABLE[0].replace(b"714", b'"714"')], "row 1 of the table: a count"),
        ([TABLE[0].replace(b"2026-11", b"2026-10")], "row 1 of the table is of another month"),
    ],
)
def test_a_table_that_the_log_committed_to_and_that_is_none_is_refused(lines: list[bytes], says: str) -> None:
    stated = {"sha256": table_digest(lines), "rows": len(lines)}
    encoded = encode_leaf(Leaf(0, AT, "closed", None, {"period": "2026-11", "table": stated}))
    checkpoint = Checkpoint(ORIGIN, 1, leaf_hash(encoded))
    claimed = about(COUNTED, closed=True, jurisdiction="")
    note = str(Note(checkpoint.text, (LOG.sign(checkpoint.text),)))
    with pytest.raises(ProofError, match=says):
        check_proof(
            ProofDocument(claimed, [LeafProof(encoded, 0, [])], note, [line.decode() for line in lines]),
            [LOG.verifier],
        )


def test_a_leaf_that_is_elsewhere_than_it_says_is_refused() -> None:
    encoded = encode_leaf(replace(LEAVES[5], index=1))
    checkpoint = Checkpoint(ORIGIN, 1, leaf_hash(encoded))
    note = str(Note(checkpoint.text, (LOG.sign(checkpoint.text),)))
    with pytest.raises(ProofError, match="leaf 0 says that it is leaf 1"):
        check_proof(ProofDocument({"message": str(QUERY)}, [LeafProof(encoded, 0, [])], note), [LOG.verifier])


def test_a_checkpoint_that_no_trusted_key_signed_is_refused() -> None:
    with pytest.raises(ProofError, match="the checkpoint: the note is not signed by any key"):
        check_proof(RATE, [SigningKey.generate(ORIGIN).verifier])
    with pytest.raises(ProofError, match="the checkpoint: "):
        check_proof(replace(RATE, checkpoint="x"), [LOG.verifier])


@pytest.mark.parametrize("document", [MESSAGE, RATE, CLOSED])
@given(data=st.data())
def test_a_document_with_a_byte_altered_is_refused_or_says_the_same(
    document: ProofDocument, data: st.DataObject
) -> None:
    altered = bytearray(encode_proof(document))
    altered[data.draw(st.integers(0, len(altered) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        read = decode_proof(bytes(altered))
        shown = check_proof(read, [LOG.verifier])
    except ProofError:
        return
    # What a proof shows is not altered by what nobody signed: a cosignature by a key that is not trusted here, and the
    # name of the month or place where the figures are none.
    original = check_proof(document, [LOG.verifier])
    assert (shown.checkpoint, shown.leaves, shown.figures) == (original.checkpoint, original.leaves, original.figures)


@given(st.binary(max_size=60))
def test_bytes_that_are_no_document_end_in_the_one_error(data: bytes) -> None:
    with pytest.raises(ProofError):
        decode_proof(data)


def _rewritten(change: Callable[[dict[str, Any]], object]) -> bytes:
    value = json.loads(encode_proof(CLOSED))
    change(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b'{"format":"huizhi-proof/1"}',
        _rewritten(lambda value: value.update(format="huizhi-proof/2")),
        _rewritten(lambda value: value.update(more=1)),
        _rewritten(lambda value: value.pop("about")),
        _rewritten(lambda value: value.update(about=[])),
        _rewritten(lambda value: value.update(leaves={})),
        _rewritten(lambda value: value.update(table=[1])),
        _rewritten(lambda value: value["leaves"][0].update(index="6")),
        _rewritten(lambda value: value["leaves"][0].update(index=1.5)),
        _rewritten(lambda value: value["leaves"][0].update(path=["*"])),
        _rewritten(lambda value: value["leaves"][0].update(path=["ä"])),
        _rewritten(lambda value: value["leaves"][0].update(more=1)),
        _rewritten(lambda value: value["leaves"][0].update(leaf=None)),
    ],
)
def test_json_that_is_no_document_ends_in_the_one_error(data: bytes) -> None:
    with pytest.raises(ProofError):
        decode_proof(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["leaves"][0].update(index=-1),
        lambda value: value["leaves"][0].update(index=2**80),
        lambda value: value["leaves"][0].update(leaf=""),
        lambda value: value["leaves"][0].update(leaf="[" * 500),
        lambda value: value["leaves"][0].update(path=[]),
        lambda value: value["leaves"][0].update(path=["AAAA"]),
        lambda value: value["leaves"][0]["path"].append(value["leaves"][0]["path"][0]),
        lambda value: value["about"].update(figures=None),
    ],
)
def test_a_document_whose_parts_are_none_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(ProofError):
        check_proof(decode_proof(_rewritten(change)), [LOG.verifier])


@pytest.mark.parametrize(
    "document",
    [
        replace(RATE, leaves=[LeafProof(b"\xff", 0, [])]),
        replace(RATE, checkpoint="\ud800"),
        replace(RATE, about={"a": object()}),
        replace(CLOSED, table=["\ud800"]),
    ],
)
def test_what_cannot_be_written_ends_in_the_one_error(document: ProofDocument) -> None:
    with pytest.raises(ProofError):
        encode_proof(document)
    with pytest.raises(ProofError):
        check_proof(document, [LOG.verifier])


def test_a_leafs_proof_has_the_form_of_the_specification() -> None:
    (proof,) = proved(5)
    text = tlog_proof(proof, NOTE)
    head, _, note = text.partition("\n\n")
    first, index, *path = head.split("\n")
    assert (first, index) == ("c2sp.org/tlog-proof@v1", "index 5")
    assert note == NOTE
    assert str(parse_note(note)) == NOTE
    hashes = [base64.b64decode(line) for line in path]
    verify_inclusion(HASHES[5], 5, CHECKPOINT.size, hashes, CHECKPOINT.root)
    for wrong, checkpoint in ((proof, "x"), (replace(proof, index=-1), NOTE)):
        with pytest.raises(ProofError):
            tlog_proof(wrong, checkpoint)
