"""Signed notes: a text, and who signs it. Keys of Ed25519, for logs and for witnesses.

Source: C2SP signed-note, sections "Format", "Signatures" and "Verifier keys". Type 0x01 signs the text itself, type
0x04 a text with a time before it (C2SP tlog-cosignature); there are others, which nobody here holds a key of, and which
are passed over as the specification asks.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

ED25519 = 0x01
COSIGNATURE = 0x04
MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
MAX_TIMESTAMP = 2**63 - 1

_ALGORITHMS = (ED25519, COSIGNATURE)
_ID_BYTES = 4
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_TIMESTAMP_BYTES = 8
_EM_DASH = "\N{EM DASH} "
_ID = re.compile(r"[0-9a-f]{8}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteError(ValueError):
    """A text that is no note, a key that is none, or a signature that is missing or does not hold."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line of a note: the key's name and id, and what it signed with."""

    name: str
    id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_EM_DASH}{self.name} {_base64(self.id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signatures can be checked: a name, an algorithm and a public key. ``str`` gives its text form."""

    name: str
    id: bytes
    algorithm: int
    public: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.algorithm not in _ALGORITHMS:
            raise NoteError(f"a key of algorithm {self.algorithm:#04x} cannot be checked here")
        if len(self.public) != _KEY_BYTES:
            raise NoteError(f"a public key has {_KEY_BYTES} bytes, not {len(self.public)}")

    @classmethod
    def of(cls, name: str, algorithm: int, public: bytes) -> "VerifierKey":
        """The key with the id that its name and bytes give it. Raises NoteError."""
        _check_name(name)
        hashed = hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public)
        return cls(name, hashed.digest()[:_ID_BYTES], algorithm, public)

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """The key that ``name+id+base64`` writes. Raises NoteError unless it is one, with the id that belongs to it."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        material = _from_base64(encoded)
        if not material or not _ID.fullmatch(key_id):
            raise NoteError("a verifier key is written as its name, its id in eight hex digits and base64, joined by +")
        key = cls.of(name, material[0], material[1:])
        if key.id.hex() != key_id:
            raise NoteError(f"the id of this verifier key is not {key_id}; a part of it was altered")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([self.algorithm]) + self.public)}"

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` is this key's of the note's ``text``."""
        try:
            public = Ed25519PublicKey.from_public_bytes(self.public)
            if self.algorithm == ED25519:
                public.verify(signature, text.encode())
            else:
                message = cosigned_message(text, cosignature_time(signature))
                public.verify(signature[_TIMESTAMP_BYTES:], message)
        except (InvalidSignature, ValueError):
            # A NoteError and what is said of bytes that are no public key are ValueErrors.
            return False
        return True


class SigningKey:
    """A log's key: Ed25519, with the name it signs under."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.verifier = verifier_of(name, ED25519, private)

    @classmethod
    def generate(cls, name: str) -> "SigningKey":
        """A new key. Raises NoteError for a name that none can have."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, name: str, pem: bytes) -> "SigningKey":
        """The key in a PKCS#8 file. Raises NoteError for anything but an Ed25519 key without a password."""
        return cls(name, private_from_pem(pem))

    @property
    def name(self) -> str:
        """The name that the key signs under."""
        return self.verifier.name

    def to_pem(self) -> bytes:
        """The key as a PKCS#8 file."""
        return private_to_pem(self._private)

    def sign(self, text: str) -> Signature:
        """Sign a note's text. Raises NoteError for a text that no note can have."""
        check_text(text)
        return Signature(self.verifier.name, self.verifier.id, self._private.sign(text.encode()))


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, of which nothing is known yet. ``str`` gives the note as it is written."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"


def parse_note(data: str | bytes) -> Note:
    """The note that ``data`` writes; no signature is checked yet. Raises NoteError."""
    text = _decoded(data)
    if len(text) > MAX_NOTE_BYTES:
        raise NoteError(f"a note has at most {MAX_NOTE_BYTES} bytes")
    body, blank, signed = text.rpartition("\n\n")
    if not blank or not signed.endswith("\n"):
        raise NoteError("a note is a text, an empty line, and lines of signatures, the last one ended")
    body += "\n"
    check_text(body)
    lines = signed[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(f"a note has at most {MAX_SIGNATURES} signatures, not {len(lines)}")
    return Note(body, tuple(parse_signature(line) for line in lines))


def open_note(note: Note, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """Those of ``keys`` that signed ``note``, in the order of its signatures.

    Raises NoteError where none did, or where a signature in the name of one of them does not hold.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if known.setdefault((key.name, key.id), key) != key:
            raise NoteError(f"two keys of {key.name} have the same id; trust one of them only")
    found: list[VerifierKey] = []
    for signature in note.signatures:
        signer = known.get((signature.name, signature.id))
        if signer is None:
            continue
        if not signer.verify(note.text, signature.signature):
            raise NoteError(f"the signature of {signature.name} does not hold")
        if signer not in found:
            found.append(signer)
    if not found:
        raise NoteError("the note is not signed by any key that is trusted here")
    return found


def parse_signature(line: str) -> Signature:
    """The signature that a line (without its line feed) writes. Raises NoteError."""
    name, _, encoded = line.removeprefix(_EM_DASH).partition(" ")
    material = _from_base64(encoded)
    if not line.startswith(_EM_DASH) or len(material) <= _ID_BYTES:
        raise NoteError("a signature is written as an em dash, the key's name, and base64")
    _check_name(name)
    return Signature(name, material[:_ID_BYTES], material[_ID_BYTES:])


def cosigned_message(text: str, timestamp: int) -> bytes:
    """What a cosignature signs: a header, its time, and the checkpoint's text (C2SP tlog-cosignature)."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def cosignature_time(signature: bytes) -> int:
    """The time in a cosignature, in seconds since 1970. Raises NoteError for bytes that are no cosignature."""
    timestamp = int.from_bytes(signature[:_TIMESTAMP_BYTES])
    if len(signature) != _TIMESTAMP_BYTES + _SIGNATURE_BYTES or timestamp > MAX_TIMESTAMP:
        raise NoteError("a cosignature is a time in 8 bytes and a signature in 64")
    return timestamp


def check_text(text: str) -> None:
    """Raises NoteError for a text that no note can have."""
    if not text.endswith("\n"):
        raise NoteError("a note's text ends with a line feed")
    if _CONTROL.search(text):
        raise NoteError("a note has no control characters but line feeds")
    _decoded(text)


def private_from_pem(pem: bytes) -> Ed25519PrivateKey:
    """The private key in a PKCS#8 file. Raises NoteError for anything but an Ed25519 key without a password."""
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise NoteError("this is no private key in PEM without a password") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise NoteError("this key is not one of Ed25519")
    return private


def private_to_pem(private: Ed25519PrivateKey) -> bytes:
    """A private key as a PKCS#8 file."""
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def verifier_of(name: str, algorithm: int, private: Ed25519PrivateKey) -> VerifierKey:
    """The public half of a private key. Raises NoteError for a name that no key can have."""
    return VerifierKey.of(name, algorithm, private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def _decoded(data: str | bytes) -> str:
    try:
        if isinstance(data, bytes):
            return data.decode()
        data.encode()
    except UnicodeError:
        raise NoteError("a note is a text in UTF-8") from None
    return data


def _check_name(name: str) -> None:
    _decoded(name)
    if not name or "+" in name or _CONTROL.search(name) or any(character.isspace() for character in name):
        raise NoteError("the name of a key is not empty, and has no white space and no +")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _from_base64(text: str) -> bytes:
    """The bytes that base64 writes, or none where it is not exactly how they are written."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if _base64(data) == text else b""
