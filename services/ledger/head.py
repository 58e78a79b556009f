"""The head of the log, and the fence around it.

One writer at a time: whoever becomes the active consumer of the ledger queue claims the head, which raises its epoch.
Every transaction first locks the head for its own epoch, so that a writer that was paused while another took over
commits nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.ledger.store.connection import Connection
from services.ledger.store.queries import WRITING


class FencedError(Exception):
    """Another writer has taken the log over; this one must stop writing and line up again."""


@dataclass(frozen=True, slots=True)
class Head:
    """The log as a transaction found it: how many entries it has, and the time from which the next may be."""

    epoch: int
    size: int
    at: datetime


async def claim(connection: Connection) -> int:
    """Take the log over. Returns the new epoch; from its commit on, every earlier epoch is fenced off."""
    epoch: int = await connection.fetchval(WRITING["claim_head"])
    return epoch


async def end_silent_writers(connection: Connection, seconds: float) -> None:
    """End every writer's transaction in which the database has waited for its client for longer than ``seconds``."""
    await connection.execute(WRITING["end_silent_writers"], seconds)


async def lock(connection: Connection, epoch: int, clock: Callable[[], datetime]) -> Head:
    """Lock the head for the rest of the transaction. Raises FencedError where the epoch is another's.

    ``at`` is what ``clock`` says once the lock is there, or the time of the last entry where the clock was set back:
    entry times never run backwards in log order.
    """
    row = await connection.fetchrow(WRITING["lock_head"], epoch)
    if row is None:
        raise FencedError(f"epoch {epoch} of the log has ended")
    return Head(epoch, row["size"], max(row["at"], clock()))


async def advance(connection: Connection, head: Head, appended: int) -> None:
    """Move the head past ``appended`` new entries, by compare-and-set. Raises FencedError if it is not where it was."""
    status = await connection.execute(WRITING["advance_head"], head.epoch, head.size, head.size + appended, head.at)
    if status != "UPDATE 1":
        raise FencedError(f"the head of the log is not at entry {head.size} of epoch {head.epoch}")
