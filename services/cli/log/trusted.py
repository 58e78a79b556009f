"""Public keys as they are given to a command: as their text, or as files that hold one a line."""

from pathlib import Path
from typing import Annotated

import typer

from contracts.notes import NoteError, VerifierKey

KeyOption = Annotated[
    list[str],
    typer.Option(
        "--key",
        metavar="KEY",
        help="The log's public key (name+id+base64), or a file that holds it. May be given several times.",
    ),
]


def trusted_keys(given: list[str]) -> list[VerifierKey]:
    """The keys that are given. Raises BadParameter, and so status 2, where one is none."""
    keys = [_parse(line) for text in given for line in _lines(text)]
    if not keys:
        raise typer.BadParameter("there is no key in it", param_hint="--key")
    return list(dict.fromkeys(keys))


def _lines(text: str) -> list[str]:
    # A key's text has its name, its id and its bytes; no file that one would name so is likely to exist.
    if text.count("+") >= 2 and not Path(text).exists():
        return [text.strip()]
    try:
        return [line.strip() for line in Path(text).read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"{text[:100]!r} is neither a key nor a file that can be read: {error}", param_hint="--key"
        ) from None


def _parse(text: str) -> VerifierKey:
    try:
        return VerifierKey.parse(text)
    except NoteError as error:
        raise typer.BadParameter(f"{text[:100]!r}: {error}", param_hint="--key") from None
