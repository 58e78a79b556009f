"""Retention: what is over is forgotten after some time, so that nothing tells any more what a message said.

Forgotten is a message's salt, without which its commitment says nothing to anybody. Entries, states, figures and
timelines stay. What is unanswered, or on its way, is never forgotten, however old it is.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from services.ledger.store.queries import RETENTION
from services.registry.transactions import Connection, record

AT_ONCE = 5000
"""So many messages are gone through in one transaction: short ones, between which the ledger goes on."""
_BEFORE_ALL = UUID(int=0)


async def forget(
    connection: Connection,
    before: datetime,
    *,
    actor: str,
    dry_run: bool = False,
    progress: Callable[[int], None] = lambda _done: None,
    at_once: int = AT_ONCE,
) -> Counter[str]:
    """Forget what was over ``before`` a moment; how many messages of each type that were.

    May be interrupted anywhere, and started again: what is forgotten is passed over. It is on record before anything is
    forgotten. A dry run counts, and changes and records nothing. ``progress`` hears how many messages were looked at.
    """
    if not dry_run:
        await record(connection, actor, "retention.run", before.isoformat(), {})
    forgotten: Counter[str] = Counter()
    after, done = _BEFORE_ALL, 0
    while True:
        end = await connection.fetchval(RETENTION["stretch"], after, at_once)
        rows = await connection.fetch(RETENTION["over"], after, end, before)
        if rows and not dry_run:
            rows = await connection.fetch(RETENTION["forget"], [row["id"] for row in rows])
        forgotten.update(row["type"] for row in rows)
        if end is None:
            break
        after, done = end, done + at_once
        progress(done)
    if not dry_run:
        await record(connection, actor, "retention.done", before.isoformat(), forgotten)
    return forgotten
