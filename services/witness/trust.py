"""Which logs a witness knows, each by its origin and its keys."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from contracts.notes import ED25519, NoteError, VerifierKey, open_note
from services.witness.outcome import Outcome, RefusedError
from services.witness.request import AddCheckpoint


class TrustError(ValueError):
    """What is to be trusted cannot be read; the text says where and why."""


class Trust:
    """The logs by their origins. The name of a log's key is its origin (C2SP tlog-checkpoint)."""

    def __init__(self, keys: Iterable[VerifierKey]) -> None:
        by_origin: dict[str, list[VerifierKey]] = {}
        for key in keys:
            if key not in by_origin.setdefault(key.name, []):
                by_origin[key.name].append(key)
        self.logs: Mapping[str, Sequence[VerifierKey]] = by_origin

    def check(self, asked: AddCheckpoint) -> None:
        """Raises RefusedError where the log is unknown, or no key of it that is known has signed the checkpoint."""
        origin = asked.checkpoint.origin
        keys = self.logs.get(origin)
        if keys is None:
            raise RefusedError(Outcome.UNKNOWN_LOG, "this witness does not know a log of this origin")
        try:
            open_note(asked.note, keys)
        except NoteError as error:
            raise RefusedError(Outcome.UNTRUSTED, str(error)) from None


def read_trust(given: Sequence[str]) -> Trust:
    """The logs that each of ``given`` names: a verifier key, or a file with one on each line and ``#`` comments.

    Raises TrustError.
    """
    keys = [key for each in given for key in _keys(each)]
    if not keys:
        raise TrustError("no log is trusted; name at least one verifier key, as the log serves it at /log/vkey")
    return Trust(keys)


def _keys(given: str) -> list[VerifierKey]:
    # A verifier key has two plus signs, and its base64 may have slashes; a file of that name would be a strange one.
    path = Path(given)
    if given.count("+") >= 2 and not path.exists():
        return [_key(given, "")]
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise TrustError(f"{given} is no verifier key, and no file that can be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise TrustError(f"{given} is not UTF-8") from error
    written = [(number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1)]
    return [_key(line, f"{given}, line {number}: ") for number, line in written if line]


def _key(text: str, where: str) -> VerifierKey:
    try:
        key = VerifierKey.parse(text)
    except NoteError as error:
        raise TrustError(f"{where}{error}") from error
    if key.algorithm != ED25519:
        raise TrustError(f"{where}this is a witness's key; a witness trusts the keys of logs")
    return key
