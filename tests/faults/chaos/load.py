"""Everybody at work while the harm is done: over both doors, with and without a second try."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from tests.faults.chaos.bench import ChaosBench
from tests.faults.harness.messages import Message, notice, query

PER_SECOND = 25.0
FINISHED_WITHIN_S = 180.0


class Load:
    """Senders that go on until they are told to stop."""

    def __init__(self, bench: ChaosBench) -> None:
        self._bench = bench
        self._stopping = False

    def start(self) -> list[asyncio.Task[int]]:
        """All of them. Each ends after ``stop`` with its last message confirmed."""
        parties, urls = self._bench.parties, self._bench.stack.gateway_urls
        sent = (
            parties["110101"].send(self._endless("410102", "410202"), per_second=PER_SECOND),
            # What this one is not sure of it leaves to its fate.
            parties["410202"].send(self._endless("110101", "410102"), per_second=PER_SECOND, retry=False),
            parties["410102"].post(self._endless("110101"), urls, per_second=PER_SECOND / 2),
        )
        return [asyncio.create_task(one) for one in sent]

    def stop(self) -> None:
        """Send nothing new."""
        self._stopping = True

    def _endless(self, *to: str) -> Iterator[Message]:
        number = 0
        while not self._stopping:
            recipient = to[number % len(to)]
            yield notice(recipient) if number % 7 == 0 else query(recipient)
            number += 1


@asynccontextmanager
async def under_load(bench: ChaosBench) -> AsyncIterator[None]:
    """Parties at work inside the ``async with``; after it everything is up and their last messages are confirmed."""
    bench.parties.read_all()
    load = Load(bench)
    senders = load.start()
    try:
        yield
    finally:
        load.stop()
        await bench.heal()
        async with asyncio.timeout(FINISHED_WITHIN_S):
            await asyncio.gather(*senders)
