"""The sequencer: puts batches on the ledger, one transaction at a time, in one order.

A transaction locks the head of the log, loads what is known, lets ``decide`` decide, seals the entries into leaves of
the Merkle tree, writes, and commits. What it returns may be handed over only because the commit is there.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from contracts.batch import LedgerBatch
from contracts.kinds import Kind
from contracts.period import Calendar
from services.ledger import head
from services.ledger.decisions import append_refusals, closes, decide, wanted_ids
from services.ledger.head import Head
from services.ledger.records import Decision, NewRefusal, SealedEntry
from services.ledger.setting import Setting
from services.ledger.store import writing
from services.ledger.store.connection import Connection
from services.ledger.store.time_limit import borrowed, statement_limit
from services.ledger.store.transaction import transaction
from services.ledger.totals import RunningTotals
from services.ledger.tree import seal
from services.runtime.kill_points import reached

_SALT_BYTES = 16
_MOST_TOTALS = 50_000
"""So many cohorts' totals are kept in memory, some 30 MB."""


@dataclass(slots=True)
class Tenure:
    """Under which epoch batches in hand were tried first, None where they claimed the log.

    A writer that was paused and wakes with a batch in hand must not claim the log for it anew, as it may when another
    of its consumers has opened meanwhile: whoever took over has been given the batch.
    """

    epoch: int | None = None


class Sequencer:
    """The one writer of a log, for as long as its epoch lasts.

    ``asked`` names the participant that an address leads to, for an answer that overtook its query's dispatch, and
    ``kind`` finds a kind by its name. A transaction that takes longer than ``timeout_s`` seconds is cut off, its
    outcome unknown. ``clock`` says what time it is, aware.
    """

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        calendar: Calendar,
        asked: Callable[[str], str | None],
        kind: Callable[[str], Kind | None],
        timeout_s: float = 30.0,
        clock: head.Clock = lambda: datetime.now(UTC),
    ) -> None:
        self._pool = pool
        self._calendar = calendar
        self._asked = asked
        self._kind = kind
        self._timeout_s = timeout_s
        self._clock = clock
        self._epoch: int | None = None
        self._releases = 0
        # Whether the last transaction did not come to its end: what kept it may have to be ended first.
        self._broken_off = False
        # As the last transaction left them: under one epoch nobody else writes.
        self._totals = RunningTotals()
        self._one_at_a_time = asyncio.Lock()

    def release(self) -> None:
        """Forget the epoch: the next batch, which a new consumer delivers, claims the log anew."""
        self._epoch = None
        self._releases += 1

    async def take(
        self, batches: Sequence[LedgerBatch], tenure: Tenure | None = None
    ) -> tuple[Decision, list[NewRefusal]]:
        """Put ``batches`` on the ledger in one transaction. Returns what was decided once it is committed.

        ``tenure`` stays with batches that are taken again: once tried under an epoch, they are written under that one
        or not at all. Raises FencedError when another writer has taken over, CommitInDoubtError, and the driver's
        errors: after one of them the outcome is unknown, and the same batches may be taken again.
        """
        # A cancelled COMMIT has an unknown outcome and may leave a connection in it: what has begun is brought to its
        # end.
        return await asyncio.shield(self._transact(batches, tenure or Tenure()))

    async def _transact(self, batches: Sequence[LedgerBatch], tenure: Tenure) -> tuple[Decision, list[NewRefusal]]:
        async with self._one_at_a_time, borrowed(self._pool, self._timeout_s) as connection:
            # Who takes over, or was broken off, may find the head locked by a writer of whom nothing is heard any more.
            if self._epoch is None or self._broken_off:
                await head.end_silent_writers(connection)
                self._totals = RunningTotals()
            self._broken_off = True
            written = await self._write_down(connection, batches, tenure)
            self._broken_off = False
            if len(self._totals) > _MOST_TOTALS:
                self._totals = RunningTotals()
        return written

    async def _write_down(
        self, connection: Connection, batches: Sequence[LedgerBatch], tenure: Tenure
    ) -> tuple[Decision, list[NewRefusal]]:
        # Read once: another consumer that opens meanwhile releases it, and this transaction goes on with its own.
        releases = self._releases
        epoch = tenure.epoch = self._epoch if tenure.epoch is None else tenure.epoch
        # An epoch that is lost with the primary would be given out twice, and fence nobody off; so a claim, too, may be
        # relied upon only when its commit is there, which is that of the first batch: two writers that claimed by
        # themselves could do so in turns for ever.
        async with transaction(connection), statement_limit(connection, self._timeout_s):
            clock = self._clock
            locked = await (head.claim(connection, clock) if epoch is None else head.lock(connection, epoch, clock))
            decision, refusals = await self._decide(connection, batches, locked)
            reached("ledger.decided")
            await _write(connection, decision, refusals, self._totals)
            await head.advance(connection, locked, len(decision.entries))
            reached("ledger.before-commit")
        reached("ledger.committed")
        if releases == self._releases:
            self._epoch = locked.epoch
        return decision, refusals

    async def _decide(
        self, connection: Connection, batches: Sequence[LedgerBatch], locked: Head
    ) -> tuple[Decision, list[NewRefusal]]:
        known = await writing.load_messages(connection, wanted_ids(batches))
        closed = await writing.load_closed(connection) if closes(batches) else ()
        setting = Setting(locked.at, locked.size, self._calendar, self._asked, _new_salt, self._kind, closed)
        decision = decide(batches, known, setting)
        recorded = await writing.load_refusals(connection, decision.refused.keys())
        return decision, append_refusals(decision, recorded, setting)


async def _write(connection: Connection, decision: Decision, refusals: list[NewRefusal], totals: RunningTotals) -> None:
    unknown = totals.unknown(decision.moves)
    totals.know(unknown, await writing.load_totals(connection, unknown))
    entries = await _sealed(connection, decision, totals)
    await writing.append_entries(connection, entries)
    await writing.move_cohorts(connection, decision.moves)
    await writing.insert_refusals(connection, refusals)
    await _grow_tree(connection, decision, entries)


async def _sealed(connection: Connection, decision: Decision, totals: RunningTotals) -> list[SealedEntry]:
    """Write the messages as they stand now, and seal the entries meanwhile."""
    stating = asyncio.create_task(_write_states(connection, decision))
    try:
        # When this goes on, the first statement has been sent: the database works on it while this process seals.
        await asyncio.sleep(0)
        # What a closing fixes is counted from the states, and its entry commits to it.
        tables = await stating if decision.closings else {}
        return seal(decision.entries, totals, tables)
    finally:
        await stating


async def _write_states(connection: Connection, decision: Decision) -> dict[int, tuple[bytes, ...]]:
    await writing.insert_messages(connection, decision.inserted.values())
    await writing.update_messages(connection, decision.updated.values())
    await writing.insert_past_duties(connection, decision.past_duties)
    return await writing.close_periods(connection, decision.closings)


async def _grow_tree(connection: Connection, decision: Decision, entries: list[SealedEntry]) -> None:
    if entries:
        await writing.grow_tree(connection, entries[0].index, [entry.leaf_hash for entry in entries])
    hashes = {entry.index: entry.leaf_hash for entry in entries}
    named = {index for receipt in decision.receipts() for _, index in receipt.accepted}
    earlier = await writing.load_leaf_hashes(connection, named - hashes.keys())
    decision.leaf_hashes = hashes | earlier


def _new_salt() -> bytes:
    return secrets.token_bytes(_SALT_BYTES)
