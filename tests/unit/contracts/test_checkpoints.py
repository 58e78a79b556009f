"""Checkpoints and cosignatures: the specifications' examples, and what a log's own key has to do with them."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from contracts.checkpoints import Checkpoint, CheckpointError, open_checkpoint, parse_checkpoint
from contracts.cosignatures import CosigningKey, cosigned_at
from contracts.merkle import EMPTY_ROOT
from contracts.notes import (
    MAX_TIMESTAMP,
    Note,
    NoteError,
    Signature,
    SigningKey,
    VerifierKey,
    cosignature_time,
    cosigned_message,
    open_note,
    parse_note,
)

EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhc\
yv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX\
3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""
"""C2SP tlog-checkpoint and tlog-cosignature; the keys are not published."""

EXAMPLES_SIGNED_MESSAGE = b"""cosignature/v1
time 1679315147
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""

ORIGIN = "huizhi.local/national/0"
LOG = SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
NEXT = SigningKey(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)))
WITNESS = CosigningKey("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes([2] * 32)))
CHECKPOINT = Checkpoint(ORIGIN, 3, bytes(range(32)))
ROOT_LINE = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def noted(checkpoint: Checkpoint, *signatures: Signature) -> str:
    return str(Note(checkpoint.text, signatures))


def test_the_specifications_example_is_read_and_written_the_same() -> None:
    note = parse_note(EXAMPLE)
    checkpoint = parse_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.text == note.text
    assert str(note) == EXAMPLE


def test_the_specifications_cosignature_has_its_time_and_signs_its_message() -> None:
    note = parse_note(EXAMPLE)
    time = cosignature_time(note.signatures[1].signature)
    assert time == 1_679_315_147
    assert cosigned_message(note.text, time) == EXAMPLES_SIGNED_MESSAGE


def test_a_checkpoint_opens_with_the_logs_key_and_its_successor() -> None:
    note = noted(CHECKPOINT, LOG.sign(CHECKPOINT.text), NEXT.sign(CHECKPOINT.text))
    for keys in ([LOG.verifier], [NEXT.verifier], [LOG.verifier, NEXT.verifier, WITNESS.verifier]):
        assert open_checkpoint(note, keys, ORIGIN)[0] == CHECKPOINT
        assert open_checkpoint(note.encode(), keys)[0] == CHECKPOINT


def test_a_checkpoint_of_another_log_is_refused() -> None:
    note = noted(CHECKPOINT, LOG.sign(CHECKPOINT.text))
    with pytest.raises(CheckpointError, match="another log"):
        open_checkpoint(note, [LOG.verifier], "huizhi.local/41/0")


def test_neither_a_witness_nor_another_logs_key_speaks_for_the_log() -> None:
    elsewhere = SigningKey.generate("huizhi.local/national/1")
    note = noted(CHECKPOINT, elsewhere.sign(CHECKPOINT.text), WITNESS.cosign(CHECKPOINT.text, 1))
    with pytest.raises(NoteError, match="not signed by a key of its log"):
        open_checkpoint(note, [LOG.verifier, WITNESS.verifier, elsewhere.verifier])
    of_its_name = CosigningKey.generate(ORIGIN)
    with pytest.raises(NoteError, match="not signed by a key of its log"):
        open_checkpoint(noted(CHECKPOINT, of_its_name.cosign(CHECKPOINT.text, 1)), [of_its_name.verifier])


def test_lines_that_mean_nothing_here_are_kept_since_they_are_signed() -> None:
    extended = replace(CHECKPOINT, extensions=("more", "and more"))
    assert open_checkpoint(noted(extended, LOG.sign(extended.text)), [LOG.verifier])[0] == extended
    assert extended.text == CHECKPOINT.text + "more\nand more\n"


def test_a_cosignature_has_its_time_and_does_not_hold_for_another_text_or_time() -> None:
    cosigned = WITNESS.cosign(CHECKPOINT.text, 1_700_000_000)
    note = Note(CHECKPOINT.text, (LOG.sign(CHECKPOINT.text), cosigned))
    assert cosigned_at(WITNESS.verifier, note) == 1_700_000_000
    assert open_note(note, [WITNESS.verifier]) == [WITNESS.verifier]
    later = replace(cosigned, signature=(1_700_000_001).to_bytes(8) + cosigned.signature[8:])
    for altered in (replace(note, signatures=(later,)), replace(note, text=note.text.replace("3", "4", 1))):
        with pytest.raises(NoteError, match="does not hold"):
            cosigned_at(WITNESS.verifier, altered)


def test_a_checkpoint_may_be_cosigned_not_at_all_or_several_times() -> None:
    none = Note(CHECKPOINT.text, (LOG.sign(CHECKPOINT.text),))
    assert cosigned_at(WITNESS.verifier, none) is None
    two = Note(CHECKPOINT.text, tuple(WITNESS.cosign(CHECKPOINT.text, time) for time in (20, 30, 10)))
    assert cosigned_at(WITNESS.verifier, two) == 30


def test_a_witnesss_key_is_stored_and_read_and_is_not_a_logs() -> None:
    again = CosigningKey.from_pem(WITNESS.name, WITNESS.to_pem())
    assert again.cosign(CHECKPOINT.text, 5) == WITNESS.cosign(CHECKPOINT.text, 5)
    assert VerifierKey.parse(str(again.verifier)) == WITNESS.verifier
    as_log = SigningKey.from_pem(WITNESS.name, WITNESS.to_pem())
    assert as_log.verifier.id != WITNESS.verifier.id
    with pytest.raises(NoteError, match="no witness's"):
        cosigned_at(as_log.verifier, Note(CHECKPOINT.text, ()))


@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32), st.integers(0, MAX_TIMESTAMP))
def test_every_checkpoint_is_read_as_it_was_written(size: int, root: bytes, time: int) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)
    note = noted(checkpoint, LOG.sign(checkpoint.text), WITNESS.cosign(checkpoint.text, time))
    opened, parsed = open_checkpoint(note, [LOG.verifier, WITNESS.verifier])
    assert opened == checkpoint
    assert cosigned_at(WITNESS.verifier, parsed) == time


@given(st.text(max_size=60) | st.from_regex(r"o\n[0-9]{0,20}\n[A-Za-z0-9+/]{43}=\n", fullmatch=True))
def test_whatever_is_read_as_a_checkpoint_is_written_the_same(text: str) -> None:
    try:
        checkpoint = parse_checkpoint(text)
    except CheckpointError:
        return
    assert checkpoint.text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "o\n3\n",
        f"o\n3\n{ROOT_LINE}",
        f"o\n3\n{ROOT_LINE}\n\n",
        f"o\n3\n{ROOT_LINE}\n\nx\n",
        f"\n3\n{ROOT_LINE}\n",
        f"o\n\n{ROOT_LINE}\n",
        f"o\n03\n{ROOT_LINE}\n",
        f"o\n-3\n{ROOT_LINE}\n",
        f"o\n+3\n{ROOT_LINE}\n",
        f"o\n3 \n{ROOT_LINE}\n",
        f"o\n٣\n{ROOT_LINE}\n",
        f"o\n9223372036854775808\n{ROOT_LINE}\n",
        f"o\n{'9' * 5000}\n{ROOT_LINE}\n",
        f"o\n0\n{ROOT_LINE}\n",
        f"o\n3\n{ROOT_LINE[:-1]}\n",
        f"o\n3\n{ROOT_LINE[:-2]}9=\n",
        f"o\n3\n {ROOT_LINE}\n",
        "o\n3\nAAAA\n",
        "o\n3\n====\n",
        "o\n3\nä\n",
        f"o\r\n3\r\n{ROOT_LINE}\r\n",
        f"\ud800\n3\n{ROOT_LINE}\n",
    ],
)
def test_what_is_no_checkpoint_ends_in_the_one_error(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(text)


def test_the_checkpoint_of_an_empty_tree_has_its_root() -> None:
    empty = Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert parse_checkpoint(empty.text) == empty


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: CosigningKey.generate("a b"),
        lambda: CosigningKey.from_pem("a", b"x"),
        lambda: WITNESS.cosign("no checkpoint\n", 1),
        lambda: WITNESS.cosign(CHECKPOINT.text, -1),
        lambda: WITNESS.cosign(CHECKPOINT.text, MAX_TIMESTAMP + 1),
        lambda: cosignature_time(bytes(71)),
        lambda: cosignature_time(b"\x80" + bytes(71)),
        lambda: open_checkpoint("", [LOG.verifier]),
        lambda: open_checkpoint(str(Note("no checkpoint\n", (LOG.sign("no checkpoint\n"),))), [LOG.verifier]),
    ],
)
def test_what_cannot_be_cosigned_ends_in_the_one_error(attempt: Callable[[], object]) -> None:
    with pytest.raises(NoteError):
        attempt()
