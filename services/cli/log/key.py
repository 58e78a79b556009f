"""`huizhi log key`: the keys that a log is signed with."""

import os
from pathlib import Path
from typing import Annotated

import typer

from contracts.notes import NoteError, SigningKey
from services.cli.context import JSONOption, print_json
from services.cli.errors import CommandError
from services.ledger.keys import KeyFileError, read_keys
from services.ledger.settings import LogNameSettings
from services.runtime.settings import PlatformSettings, SettingsError, read_settings

app = typer.Typer(help="Make the keys that a log is signed with, and show what verifies them.", no_args_is_help=True)

OriginOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The log's name, under which the key signs. Default: as the settings name it."),
]


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the key goes (PKCS#8, mode 600). Must be new.")],
    origin: OriginOption = None,
    as_json: JSONOption = False,
) -> None:
    """Make a key, and print the verifier key to give to whoever checks the log.

    Name the file in HUIZHI_PROOF_KEYS. To change keys, let both sign for a while, the new one behind the old one.
    """
    name = origin or _configured_origin()
    try:
        key = SigningKey.generate(name)
        _write_new(file, key.to_pem())
    except NoteError as error:
        raise CommandError(f"{name!r} cannot be a log's name: {error}") from error
    except FileExistsError:
        raise CommandError(f"{file} is there already; a key is never written over") from None
    except OSError as error:
        raise CommandError(f"{file} cannot be written ({error.strerror})") from error
    _show(file, key, as_json=as_json)


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A key of the log.")],
    origin: OriginOption = None,
    as_json: JSONOption = False,
) -> None:
    """Print the verifier key that belongs to a key."""
    try:
        (key,) = read_keys([file], origin or _configured_origin())
    except KeyFileError as error:
        raise CommandError(str(error)) from error
    _show(file, key, as_json=as_json)


def _show(file: Path, key: SigningKey, *, as_json: bool) -> None:
    if as_json:
        print_json({"file": str(file), "origin": key.name, "vkey": str(key.verifier)})
    else:
        typer.echo(str(key.verifier))


def _configured_origin() -> str:
    try:
        return read_settings(LogNameSettings).origin(read_settings(PlatformSettings).scope)
    except SettingsError as error:
        raise CommandError(str(error)) from error


def _write_new(file: Path, content: bytes) -> None:
    # Of mode 600 from its first moment on.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(descriptor)
