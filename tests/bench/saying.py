"""Progress, on standard error: the table is all that standard output gets."""

import sys


def say(text: str) -> None:
    """A line."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
