"""Files that only their owner may read, written so that a reader sees the old content or the new, never half of it."""

import os
import tempfile
from pathlib import Path


def private_directory(path: Path) -> Path:
    """The directory, made with mode 700 where it did not exist."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Put `text` into a file of mode 600, atomically."""
    # mkstemp makes the file with mode 600 from its first moment on.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def last_lines(path: Path, count: int = 12) -> str:
    """The end of a log, for an error message."""
    if not path.exists():
        return "(the log is empty)"
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16_384))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-count:]) or "(the log is empty)"
