"""The file of the log's witnesses: a line for each, its verifier key and its URL, and ``#`` comments."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from contracts.notes import COSIGNATURE, NoteError, VerifierKey


class WitnessFileError(Exception):
    """The file cannot be read, or a line of it is none; the text names both."""


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """A witness: the key that its cosignatures are checked with, and the URL prefix that it takes checkpoints at."""

    key: VerifierKey
    url: str


def read_witnesses(path: str) -> list[WitnessAddress]:
    """The witnesses in the file at ``path``; none where that is empty. Raises WitnessFileError."""
    if not path:
        return []
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except OSError as error:
        raise WitnessFileError(f"the file of witnesses {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WitnessFileError(f"the file of witnesses {path} is not UTF-8") from None
    witnesses: list[WitnessAddress] = []
    for number, words in _lines(lines):
        try:
            witnesses.append(_another(_witness(words), witnesses))
        except (WitnessFileError, NoteError) as error:
            raise WitnessFileError(f"the file of witnesses {path}, line {number}: {error}") from None
    return witnesses


def _lines(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    # A comment stands on its own line or behind white space: a URL may have a # in it.
    for number, line in enumerate(lines, 1):
        words = line.split()
        comment = next((place for place, word in enumerate(words) if word.startswith("#")), len(words))
        if words[:comment]:
            yield number, words[:comment]


def _witness(words: list[str]) -> WitnessAddress:
    if len(words) != 2:
        raise WitnessFileError("a line is a witness's verifier key, a space, and its URL")
    key = VerifierKey.parse(words[0])
    if key.algorithm != COSIGNATURE:
        raise WitnessFileError(f"the key of {key.name} is a log's; `huizhi log witness` prints that of a witness")
    if not _is_prefix(words[1]):
        raise WitnessFileError("the URL of a witness begins with http:// or https://, names a host, and has no query")
    return WitnessAddress(key, words[1].rstrip("/"))


def _another(witness: WitnessAddress, known: list[WitnessAddress]) -> WitnessAddress:
    if any((one.key.name, one.key.id) == (witness.key.name, witness.key.id) for one in known):
        raise WitnessFileError(f"{witness.key.name} stands there twice")
    return witness


def _is_prefix(url: str) -> bool:
    """Whether a path can be put behind ``url``."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return has_host and parts.scheme in ("http", "https") and not parts.query and not parts.fragment
