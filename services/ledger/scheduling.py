"""The scheduler: looks for recipients that are to be reminded and for queries that lie at a retired address, and orders
what is to be done.

It remembers nothing that matters. What is due stands in the database, whether it was done is decided under the lock of
the log, and so it survives restarts, may run in every ledger, and after a pause finds all that was missed.
"""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from contracts.batch import PassOn, Remind
from contracts.directory import Directory
from contracts.moves import moved
from contracts.problems import ProblemError
from services.ledger.ordering import Ordering
from services.ledger.store.queries import READING
from services.registry.snapshot import Snapshot
from services.runtime.database import UNANSWERED
from services.runtime.lifecycle import Stop

_AT_ONCE = 500
_PATIENCE_S = 60.0
"""So long an order is taken to be on its way before it is given again."""
_SUCCESSION_INTERVAL_S = 600.0
"""So often it is looked whether something came to lie at a retired address after the directory had changed."""

log = structlog.get_logger(__name__)


class Scheduler:
    """Looks every ``interval_s`` seconds."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], ordering: Ordering, interval_s: float
    ) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._ordering = ordering
        self._interval_s = interval_s
        self._given: dict[UUID, float] = {}
        self._directory: Directory | None = None
        self._succession_at = 0.0

    async def run(self, stop: Stop) -> None:
        """Look until the stop. A database or broker that is away is waited for."""
        while not stop.is_set:
            try:
                await self.look()
            except (ProblemError, asyncpg.PostgresError, *UNANSWERED) as error:
                log.warning("scheduler_waits", error=type(error).__name__)
            await stop.sleep(self._interval_s)

    async def look(self) -> int:
        """Order what is due now; how many orders that made. Raises ProblemError and the driver's errors."""
        return await self._remind() + await self._pass_on()

    async def _remind(self) -> int:
        ordered = 0
        while rows := await self._pool.fetch(READING["to_be_reminded"], datetime.now(UTC), list(self._on_the_way())):
            orders = [Remind(row["id"]) for row in rows]
            await self._give(orders)
            ordered += len(orders)
            if len(rows) < _AT_ONCE:
                break
        return ordered

    async def _pass_on(self) -> int:
        directory, now = self._snapshot().directory, time.monotonic()
        if directory is self._directory and now < self._succession_at:
            return 0
        addresses = [row["address"] for row in await self._pool.fetch(READING["open_addresses"])]
        handed_over = successions(directory, addresses)
        if self._directory is not None:
            # Only beside the directory before it can be seen that a code was given to another place.
            handed_over |= moved(self._directory, directory, addresses)
        rows = await self._pool.fetch(READING["open_at"], list(handed_over)) if handed_over else []
        orders = [PassOn(row["id"], row["address"], handed_over[row["address"]]) for row in rows]
        for start in range(0, len(orders), _AT_ONCE):
            await self._give(orders[start : start + _AT_ONCE])
        self._directory, self._succession_at = directory, now + _SUCCESSION_INTERVAL_S
        return len(orders)

    async def _give(self, orders: list[Remind] | list[PassOn]) -> None:
        await self._ordering.give(orders)
        now = time.monotonic()
        self._given |= {order.id: now for order in orders if isinstance(order, Remind)}

    def _on_the_way(self) -> Iterable[UUID]:
        oldest = time.monotonic() - _PATIENCE_S
        self._given = {id: given for id, given in self._given.items() if given > oldest}
        return self._given


def successions(directory: Directory, addresses: Iterable[str]) -> dict[str, str]:
    """Which of ``addresses`` are retired, and who answers in their place."""
    resolved = {address: directory.resolve(address) for address in addresses}
    return {
        address: resolution.address
        for address, resolution in resolved.items()
        if resolution.status == "successor" and resolution.address is not None
    }
