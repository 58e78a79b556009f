"""A witness's own key, with the name it cosigns under: made once, and kept in two files of its directory."""

import os
from pathlib import Path

from contracts.cosignatures import CosigningKey
from contracts.notes import NoteError, VerifierKey

KEY = "witness.pem"
VERIFIER = "witness.vkey"


class IdentityError(ValueError):
    """There is no key that could be used; the text says why and what to do."""


def identity(directory: Path, name: str | None, default: str, *, has_cosigned: bool) -> CosigningKey:
    """The key in ``directory``; a new one on the first start, under ``name`` or else under ``default``.

    Raises IdentityError: for a name that none can have or that is not the key's, for files that do not go together, and
    for a key that is missing while the record says that the witness ``has_cosigned``.
    """
    key_file, verifier_file = directory / KEY, directory / VERIFIER
    if not key_file.exists():
        if has_cosigned:
            raise IdentityError(f"{key_file} is missing, and this witness has cosigned with it; put it back")
        return _made(key_file, verifier_file, name or default)
    try:
        verifier = VerifierKey.parse(verifier_file.read_text("ascii").strip())
        key = CosigningKey.from_pem(verifier.name, key_file.read_bytes())
    except OSError as error:
        raise IdentityError(f"{error.filename} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise IdentityError(f"{key_file} and {verifier_file}: {error}") from error
    if key.verifier != verifier:
        raise IdentityError(f"{key_file} is not the key of {verifier_file}; put back the one that is missing")
    if name is not None and name != key.name:
        raise IdentityError(f"the witness in {directory} is named {key.name}; another name is for another directory")
    return key


def _made(key_file: Path, verifier_file: Path, name: str) -> CosigningKey:
    try:
        key = CosigningKey.generate(name)
    except NoteError as error:
        raise IdentityError(f"{name!r} cannot name a witness: {error}") from error
    try:
        # The key comes last: where it is, the other one is.
        _write(verifier_file, f"{key.verifier}\n".encode("ascii"), 0o644)
        _write(key_file, key.to_pem(), 0o600)
    except UnicodeEncodeError as error:
        raise IdentityError(f"{name!r} cannot name a witness: take ASCII, for example a host's name") from error
    except OSError as error:
        raise IdentityError(f"{error.filename} cannot be written: {error.strerror}") from error
    return key


def _write(path: Path, content: bytes, mode: int) -> None:
    """Put a file there, whole and on the disk."""
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    half.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
