"""Cosignatures: a witness's statement that, at a time, it saw a log's tree, and that it only ever grew.

Source: C2SP tlog-cosignature, sections "Format" and "Ed25519 signed message".
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.checkpoints import parse_checkpoint
from contracts.notes import (
    COSIGNATURE,
    MAX_TIMESTAMP,
    Note,
    NoteError,
    Signature,
    VerifierKey,
    cosignature_time,
    cosigned_message,
    private_from_pem,
    private_to_pem,
    verifier_of,
)


class CosigningKey:
    """A witness's key: Ed25519, with the name it cosigns under."""

    def __init__(self, name: str, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.verifier = verifier_of(name, COSIGNATURE, private)

    @classmethod
    def generate(cls, name: str) -> "CosigningKey":
        """A new key. Raises NoteError for a name that none can have."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, name: str, pem: bytes) -> "CosigningKey":
        """The key in a PKCS#8 file. Raises NoteError for anything but an Ed25519 key without a password."""
        return cls(name, private_from_pem(pem))

    @property
    def name(self) -> str:
        """The name that the key cosigns under."""
        return self.verifier.name

    def to_pem(self) -> bytes:
        """The key as a PKCS#8 file."""
        return private_to_pem(self._private)

    def cosign(self, checkpoint_text: str, timestamp: int) -> Signature:
        """Cosign a checkpoint's text at ``timestamp``, in seconds since 1970.

        Raises NoteError for a text that is no checkpoint, or a time that cannot be written.
        """
        parse_checkpoint(checkpoint_text)
        if not 0 <= timestamp <= MAX_TIMESTAMP:
            raise NoteError("a cosignature's time lies between 1970 and 2^63 seconds after it")
        signed = self._private.sign(cosigned_message(checkpoint_text, timestamp))
        return Signature(self.verifier.name, self.verifier.id, timestamp.to_bytes(8) + signed)


def cosigned_at(key: VerifierKey, note: Note) -> int | None:
    """When the witness with ``key`` last cosigned ``note``, in seconds since 1970; None where it did not.

    Raises NoteError for a key that is no witness's, and for a cosignature in its name that does not hold.
    """
    if key.algorithm != COSIGNATURE:
        raise NoteError(f"the key of {key.name} is no witness's")
    times = []
    for signature in note.signatures:
        if (signature.name, signature.id) != (key.name, key.id):
            continue
        if not key.verify(note.text, signature.signature):
            raise NoteError(f"the cosignature of {key.name} does not hold")
        times.append(cosignature_time(signature.signature))
    return max(times, default=None)
