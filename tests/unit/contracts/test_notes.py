"""Signed notes: published ones are read and hold, and what is none says so with one error."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from contracts.notes import (
    COSIGNATURE,
    ED25519,
    MAX_NOTE_BYTES,
    Note,
    NoteError,
    Signature,
    SigningKey,
    VerifierKey,
    open_note,
    parse_note,
    parse_signature,
)

SPECIFICATIONS_EXAMPLE = """Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMou\
FSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
"""
"""C2SP signed-note; its key is not published."""

GO_EXAMPLE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""
GO_EXAMPLES_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The example of Go's package golang.org/x/mod/sumdb/note, which the specification comes from."""

CHECKSUM_DATABASE_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

KEY = SigningKey("huizhi.local/national/0", Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = SigningKey("huizhi.local/national/0", Ed25519PrivateKey.from_private_bytes(bytes([1] * 32)))
TEXT = "first line\n\nthird line\n"
NOTE = Note(TEXT, (KEY.sign(TEXT),))


def test_the_specifications_example_is_read_and_written_the_same() -> None:
    note = parse_note(SPECIFICATIONS_EXAMPLE)
    assert note == parse_note(SPECIFICATIONS_EXAMPLE.encode())
    assert str(note) == SPECIFICATIONS_EXAMPLE
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    assert note.signatures[0].name == "quasimodo.example/salvatore"
    assert note.signatures[0].id.hex() == "367ba04b"
    assert len(note.signatures[0].signature) == 64


def test_a_note_that_another_implementation_signed_holds() -> None:
    key = VerifierKey.parse(GO_EXAMPLES_KEY)
    assert open_note(parse_note(GO_EXAMPLE), [key]) == [key]
    with pytest.raises(NoteError, match="does not hold"):
        open_note(parse_note(GO_EXAMPLE.replace("problem is", "problem was")), [key])


@pytest.mark.parametrize("text", [GO_EXAMPLES_KEY, CHECKSUM_DATABASE_KEY])
def test_published_keys_are_read_and_written_the_same(text: str) -> None:
    key = VerifierKey.parse(text)
    assert str(key) == text
    assert key.algorithm == ED25519


def test_a_signed_note_opens_with_its_key_and_no_other() -> None:
    parsed = parse_note(str(NOTE))
    assert open_note(parsed, [OTHER.verifier, KEY.verifier]) == [KEY.verifier]
    with pytest.raises(NoteError, match="not signed by any key"):
        open_note(parsed, [OTHER.verifier])
    with pytest.raises(NoteError, match="not signed by any key"):
        open_note(parsed, [])


def test_signatures_of_others_are_passed_over_and_each_signer_is_named_once() -> None:
    unknown = Signature("somebody.else", b"\x00\x01\x02\x03", b"\x06" * 2428)
    note = parse_note(str(Note(TEXT, (unknown, OTHER.sign(TEXT), KEY.sign(TEXT), OTHER.sign(TEXT)))))
    assert open_note(note, [KEY.verifier, OTHER.verifier]) == [OTHER.verifier, KEY.verifier]
    assert open_note(note, [KEY.verifier]) == [KEY.verifier]


def test_a_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    wrong = Signature(KEY.name, KEY.verifier.id, OTHER.sign(TEXT).signature)
    note = Note(TEXT, (OTHER.sign(TEXT), wrong))
    with pytest.raises(NoteError, match="does not hold"):
        open_note(note, [OTHER.verifier, KEY.verifier])
    assert open_note(note, [OTHER.verifier]) == [OTHER.verifier]


def test_two_keys_of_one_name_and_id_are_refused() -> None:
    colliding = VerifierKey(KEY.name, KEY.verifier.id, ED25519, OTHER.verifier.public)
    with pytest.raises(NoteError, match="same id"):
        open_note(NOTE, [KEY.verifier, colliding])
    assert open_note(NOTE, [KEY.verifier, KEY.verifier]) == [KEY.verifier]


def test_a_key_is_stored_and_read() -> None:
    again = SigningKey.from_pem(KEY.name, KEY.to_pem())
    assert (again.verifier, again.sign(TEXT)) == (KEY.verifier, KEY.sign(TEXT))
    assert VerifierKey.parse(str(KEY.verifier)) == KEY.verifier
    assert SigningKey.generate("a").verifier != SigningKey.generate("a").verifier


@given(st.data())
def test_a_note_with_a_bit_altered_does_not_open(data: st.DataObject) -> None:
    altered = bytearray(str(NOTE).encode())
    altered[data.draw(st.integers(0, len(altered) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(NoteError):
        open_note(parse_note(bytes(altered)), [KEY.verifier])


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_whatever_is_read_as_a_note_is_written_the_same(data: str | bytes) -> None:
    try:
        note = parse_note(data)
    except NoteError:
        return
    assert str(note).encode() == (data if isinstance(data, bytes) else data.encode())


@given(st.text(max_size=80) | st.from_regex(r"[a-z+ ]{0,5}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{0,60}", fullmatch=True))
def test_whatever_is_read_as_a_key_is_written_the_same(text: str) -> None:
    try:
        key = VerifierKey.parse(text)
    except NoteError:
        return
    assert str(key) == text


_LINE = str(KEY.sign("x\n"))


@pytest.mark.parametrize(
    "data",
    [
        "",
        "\n",
        "\n\n",
        "text\n",
        f"text\n{_LINE}",
        f"text\n\n{_LINE[:-1]}",
        f"text\n\n{_LINE}\n",
        f"text\n\n{_LINE} ",
        "text\n\n",
        "text\n\n- name AAAAAAAA\n",
        "text\n\n— name\n",
        "text\n\n— name \n",
        "text\n\n—  AAAAAAAA\n",
        "text\n\n— name AAAAAA==\n",
        "text\n\n— name AAAAAAA\n",
        "text\n\n— name AAAAAAB=\n",
        "text\n\n— name AAAA AAAA\n",
        "text\n\n— name AAAA_-AA\n",
        "text\n\n— na+me AAAAAAAA\n",
        "text\n\n— na\u2003me AAAAAAAA\n",
        f"te\rxt\n\n{_LINE}",
        f"te\x00xt\n\n{_LINE}",
        f"te\x1fxt\n\n{_LINE}",
        f"te\ud800xt\n\n{_LINE}",
        b"te\xffxt\n\n" + _LINE.encode(),
        f"text\n\n{_LINE * 101}",
        "x" * MAX_NOTE_BYTES + f"\n\n{_LINE}",
    ],
)
def test_what_is_no_note_ends_in_the_one_error(data: str | bytes) -> None:
    with pytest.raises(NoteError):
        parse_note(data)


def test_sixteen_signatures_and_more_are_taken() -> None:
    assert len(parse_note(f"text\n\n{_LINE * 100}").signatures) == 100


_PRIVATE = Ed25519PrivateKey.generate()
_OF_A_CURVE = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
_LOCKED = _PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: SigningKey.generate(""),
        lambda: SigningKey.generate("a b"),
        lambda: SigningKey.generate("a+b"),
        lambda: SigningKey.generate("a\u00a0b"),
        lambda: SigningKey.generate("a\x00b"),
        lambda: SigningKey.generate("a\ud800b"),
        lambda: SigningKey.from_pem("a", b""),
        lambda: SigningKey.from_pem("a", KEY.to_pem()[:60]),
        lambda: SigningKey.from_pem("a", _OF_A_CURVE),
        lambda: SigningKey.from_pem("a", _LOCKED),
        lambda: KEY.sign(""),
        lambda: KEY.sign("no line feed"),
        lambda: KEY.sign("a\tb\n"),
        lambda: KEY.sign("half \ud800\n"),
        lambda: parse_signature(""),
        lambda: VerifierKey.of("a", ED25519, bytes(31)),
        lambda: VerifierKey.of("a", 6, bytes(32)),
        lambda: VerifierKey.parse(""),
        lambda: VerifierKey.parse("a"),
        lambda: VerifierKey.parse("a+00000000"),
        lambda: VerifierKey.parse("a+00000000+"),
        lambda: VerifierKey.parse("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
        lambda: VerifierKey.parse(GO_EXAMPLES_KEY.replace("Peter", "Paul")),
        lambda: VerifierKey.parse(GO_EXAMPLES_KEY.replace("c74f20a3", "c74f20a4")),
        lambda: VerifierKey.parse(GO_EXAMPLES_KEY.replace("c74f20a3", "C74F20A3")),
        lambda: VerifierKey.parse(GO_EXAMPLES_KEY.replace("ARpc", "ARpd")),
        lambda: VerifierKey.parse(GO_EXAMPLES_KEY.replace("ARpc", "Bhpc")),
        lambda: VerifierKey.parse(GO_EXAMPLES_KEY + "\n"),
        lambda: VerifierKey.parse(GO_EXAMPLES_KEY[:-4]),
        lambda: VerifierKey.parse("\ud800+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
    ],
)
def test_what_is_no_key_and_no_text_ends_in_the_one_error(attempt: Callable[[], object]) -> None:
    with pytest.raises(NoteError):
        attempt()


@pytest.mark.parametrize("algorithm", [ED25519, COSIGNATURE])
@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65), bytes(72), b"\xff" * 72])
def test_bytes_that_are_no_signature_do_not_hold(algorithm: int, signature: bytes) -> None:
    key = VerifierKey.of("a", algorithm, KEY.verifier.public)
    assert not key.verify(TEXT, signature)
    assert not VerifierKey.of("a", algorithm, b"\xff" * 32).verify("half \ud800\n", signature)
