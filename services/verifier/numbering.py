"""The senders' own numbers: a sender that numbers its messages from 1 shows whether the log has all of them.

Neither a gap nor a repeat is the ledger's doing for certain: a sender may leave a number out, or give one twice. So
they are told apart from what is wrong with the log itself.
"""

import sqlite3
from dataclasses import dataclass
from uuid import UUID

MOST_KEPT = 100
_GAPS = """
SELECT sender, before + 1, number - 1, entry
  FROM (SELECT sender, number, min(entry) AS entry,
               lag(number, 1, 0) OVER (PARTITION BY sender ORDER BY number) AS before
          FROM numbered GROUP BY sender, number)
 WHERE number > before + 1
 ORDER BY sender, number
"""
_REPEATS = """
SELECT sender, number, entry, message
  FROM (SELECT *, count(*) OVER of_number AS times, min(entry) OVER of_number AS first FROM numbered
        WINDOW of_number AS (PARTITION BY sender, number))
 WHERE times > 1 AND entry > first
 ORDER BY sender, number, entry
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """No message of ``sender`` has the numbers ``first`` to ``last``; the next number stands in ``entry``."""

    sender: str
    first: int
    last: int
    entry: int

    def __str__(self) -> str:
        numbers = (
            f"number {self.first:,} is" if self.first == self.last else f"numbers {self.first:,} to {self.last:,} are"
        )
        return f"{self.sender}: {numbers} missing before entry {self.entry:,}"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Another message of ``sender`` had ``number`` before."""

    sender: str
    number: int
    entry: int
    message: UUID | None

    def __str__(self) -> str:
        message = "" if self.message is None else f" (message {self.message})"
        return f"{self.sender}: number {self.number:,} comes again in entry {self.entry:,}{message}"


@dataclass(frozen=True, slots=True)
class Numbering:
    """How many senders number their messages, and the first ``MOST_KEPT`` gaps and repeats of ``gap_count`` and
    ``repeat_count``.
    """

    senders: int
    gaps: tuple[Gap, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    gap_count: int = 0
    repeat_count: int = 0


def numbering(lines: sqlite3.Connection) -> Numbering:
    """Gaps and repeats among the numbers in table ``numbered``."""
    (senders,) = lines.execute("SELECT count(DISTINCT sender) FROM numbered").fetchone()
    gaps: list[Gap] = []
    repeats: list[Repeat] = []
    gap_count = repeat_count = 0
    for row in lines.execute(_GAPS):
        gap_count += 1
        if len(gaps) < MOST_KEPT:
            gaps.append(Gap(*row))
    for sender, number, entry, message in lines.execute(_REPEATS):
        repeat_count += 1
        if len(repeats) < MOST_KEPT:
            repeats.append(Repeat(sender, number, entry, UUID(bytes=message) if message else None))
    return Numbering(senders, tuple(gaps), tuple(repeats), gap_count, repeat_count)
