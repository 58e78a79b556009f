"""Where a proof goes that the ledger was asked for."""

import sys
from pathlib import Path

from services.cli.errors import CommandError
from services.cli.layout import warn


def write_proof(content: bytes, out: Path | None) -> None:
    """Write a proof to a file, or to standard output. Raises CommandError."""
    if out is None:
        sys.stdout.write(content.decode())
        return
    try:
        out.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from error
    warn(f"{out}: {len(content):,} bytes")
