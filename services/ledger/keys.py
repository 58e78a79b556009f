"""The log's keys, as files that only the ledger may read."""

import stat
from collections.abc import Iterable
from pathlib import Path

from contracts.notes import NoteError, SigningKey

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyFileError(Exception):
    """A key's file is not there, holds no key, or is open to others than its owner; the text names it."""


def read_keys(paths: Iterable[Path], name: str) -> list[SigningKey]:
    """The keys in ``paths``, which sign as ``name``. Raises KeyFileError, also where a key comes twice."""
    keys = [_read(path, name) for path in paths]
    if not keys:
        raise KeyFileError("there is no key to sign the log with; name one in HUIZHI_PROOF_KEYS")
    if len({key.verifier.id for key in keys}) < len(keys):
        raise KeyFileError("HUIZHI_PROOF_KEYS names one key twice")
    return keys


def _read(path: Path, name: str) -> SigningKey:
    try:
        mode = path.stat().st_mode
        if mode & _OTHERS:
            raise KeyFileError(
                f"the key in {path} can be read by others than its owner (mode {stat.S_IMODE(mode):o}), "
                f"so nobody should trust it: chmod 600 {path}"
            )
        return SigningKey.from_pem(name, path.read_bytes())
    except OSError as error:
        raise KeyFileError(f"the key in {path} cannot be read: {error.strerror}") from None
    except NoteError as error:
        raise KeyFileError(f"{path} holds no key for the log: {error}") from None
