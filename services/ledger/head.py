"""The head of the log, and the fence around it.

One writer at a time: whoever becomes the active consumer of the ledger queue claims the head, which raises its epoch,
in one transaction with its first batch. Every later transaction first locks the head for its own epoch, so that a
writer that was paused while another took over commits nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.ledger.store.connection import Connection, Row
from services.ledger.store.queries import WRITING

Clock = Callable[[], datetime]


class FencedError(Exception):
    """Another writer has taken the log over; this one must stop writing and line up again."""


@dataclass(frozen=True, slots=True)
class Head:
    """The log as a transaction found it: how many entries it has, and the time of the next.

    ``at`` is what the clock says once the lock is there, or the time of the last entry where the clock was set back:
    entry times never run backwards in log order.
    """

    epoch: int
    size: int
    at: datetime


async def claim(connection: Connection, clock: Clock) -> Head:
    """Take the log over, and lock the head for the rest of the transaction; from its commit on, every earlier epoch is
    fenced off.
    """
    # The migrations put one row there, and nobody may remove it.
    (row,) = await connection.fetch(WRITING["claim_head"])
    return _head(row, clock)


async def end_silent_writers(connection: Connection) -> None:
    """End every writer's transaction in which the database has waited for its client for too long."""
    await connection.execute(WRITING["end_silent_writers"])


async def lock(connection: Connection, epoch: int, clock: Clock) -> Head:
    """Lock the head for the rest of the transaction. Raises FencedError where the epoch is another's."""
    row = await connection.fetchrow(WRITING["lock_head"], epoch)
    if row is None:
        raise FencedError(f"epoch {epoch} of the log has ended")
    return _head(row, clock)


async def advance(connection: Connection, head: Head, appended: int) -> None:
    """Move the head past ``appended`` new entries, by compare-and-set. Raises FencedError if it is not where it was."""
    status = await connection.execute(WRITING["advance_head"], head.epoch, head.size, head.size + appended, head.at)
    if status != "UPDATE 1":
        raise FencedError(f"the head of the log is not at entry {head.size} of epoch {head.epoch}")


def _head(row: Row, clock: Clock) -> Head:
    return Head(row["epoch"], row["size"], max(row["at"], clock()))
