"""What is found wrong, with the place where it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

MOST_KEPT = 100
"""How many findings are told in full; the others are counted."""


class Check(StrEnum):
    """What a finding is about."""

    SIGNATURE = "signature"
    ROLLBACK = "rollback"
    FORK = "fork"
    WITHHELD = "withheld"
    TILE = "tile"
    ROOT = "root"
    LEAF = "leaf"
    TIME = "time"
    MESSAGE = "message"
    DUTY = "duty"
    TOTALS = "totals"
    CLOSING = "closing"
    CONSERVATION = "conservation"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. ``entry`` and ``message`` say where, as far as it is at one place."""

    check: Check
    text: str
    entry: int | None = None
    message: UUID | None = None

    def __str__(self) -> str:
        place = "" if self.entry is None else f"entry {self.entry:,}"
        if self.message is not None:
            place += f" (message {self.message})" if place else f"message {self.message}"
        return f"{place}: {self.text}" if place else self.text


class Findings:
    """The first ``MOST_KEPT`` findings, and how many there are."""

    def __init__(self) -> None:
        self._kept: list[Finding] = []
        self.count = 0
        self.checks: set[Check] = set()

    def add(self, finding: Finding) -> None:
        """Note one more."""
        self.count += 1
        self.checks.add(finding.check)
        if len(self._kept) < MOST_KEPT:
            self._kept.append(finding)

    def recall(self, kept: list[Finding], count: int) -> None:
        """Begin with what a former verification found."""
        self._kept, self.count = list(kept), count

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._kept)

    def __bool__(self) -> bool:
        return self.count > 0
