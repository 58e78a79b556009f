"""Looks at the exchange again and again while it is harmed: what holds at every moment must hold at each of these."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.ledger.conservation import broken_cohorts
from tests.faults.chaos.bench import ChaosBench
from tests.faults.chaos.mortal_database import NO_ANSWER

EVERY_SECONDS = 5.0


class Watch:
    """``looks`` counts those that the database answered; ``faults`` is what was not as it must be."""

    def __init__(self, bench: ChaosBench) -> None:
        self._bench = bench
        self.looks = 0
        self.faults: list[str] = []

    async def look(self) -> None:
        """Look once. A database that is away shows nothing."""
        try:
            async with asyncio.timeout(10):
                premature = await self._bench.parties.premature()
                async with self._bench.stack.database() as connection:
                    broken = await broken_cohorts(connection)
        except NO_ANSWER:
            return
        self.looks += 1
        if premature:
            self.faults.append(f"{len(premature)} messages in recipients' hands before they were on the ledger")
        if broken:
            self.faults.append(f"conservation was broken in {len(broken)} cohorts")

    async def go_on(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)


@asynccontextmanager
async def watched(bench: ChaosBench) -> AsyncIterator[Watch]:
    """Look at the bench inside the ``async with``."""
    watch = Watch(bench)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch.go_on())
        yield watch
        watching.cancel()
