"""Reads ``queries.sql``, ``reports.sql`` and ``retention.sql``: named statements, so that each can be found, described
and held to its plan by a test.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def _read(file: str) -> Mapping[str, str]:
    parts = _NAME.split(files("services.ledger.store").joinpath(file).read_text("utf-8"))
    return {name: statement.strip() for name, statement in zip(parts[1::2], parts[2::2], strict=True)}


WRITING: Mapping[str, str] = _read("queries.sql")
"""The statements of the one transaction that writes."""

READING: Mapping[str, str] = _read("reports.sql")
"""The statements behind the ledger's answers."""

RETENTION: Mapping[str, str] = _read("retention.sql")
"""The statements with which an administrator has forgotten what is over."""


def at_and_below(address: str) -> str:
    """The pattern that ``READING`` takes for an address and everything below it; "" stands for everything.

    Nothing lies below a department: `410102.health` does not speak for `410102.health-insurance`.
    """
    return address if "." in address else f"{address}%"
