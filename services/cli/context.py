"""What every command shares: which stack it speaks to, and how it shows what it found."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from services.cli.stack.stack_file import StackFile

DEFAULT_DATA = Path(".huizhi")

DataOption = Annotated[
    Path,
    typer.Option("--data", envvar="HUIZHI_DATA", metavar="DIR", help="The directory of the local stack."),
]
JSONOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]


def stack(data: Path) -> StackFile:
    """The addresses of the stack that is up in `data`. Raises StackError, saying what to do, when none is."""
    return StackFile.read(data)


def print_json(value: object) -> None:
    """Print one JSON document on standard output, with Chinese as it is written and moments as the HTTP APIs write
    them.
    """
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, default=_as_text)
    sys.stdout.write("\n")


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
