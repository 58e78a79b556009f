"""Everybody at work while the harm is done: over both doors, with and without a second try."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tests.faults.chaos.bench import ChaosBench
from tests.faults.harness.messages import Message, notice, query

BURST = 20
AMQP_PER_SECOND, HTTP_PER_SECOND = 50.0, 20.0
FINISHED_WITHIN_S = 180.0


class Load:
    """Senders that go on until they are told to stop."""

    def __init__(self, bench: ChaosBench) -> None:
        self._bench = bench
        self._stopping = False

    def start(self) -> list[asyncio.Task[None]]:
        """All of them. Each ends after ``stop`` with its last messages confirmed."""
        parties, urls = self._bench.parties, self._bench.stack.gateway_urls
        streams = (
            self._stream(AMQP_PER_SECOND, parties["110101"].send, "410102", "410202"),
            # What this one is not sure of it leaves to its fate.
            self._stream(AMQP_PER_SECOND, lambda burst: parties["410202"].send(burst, retry=False), "110101", "410102"),
            self._stream(HTTP_PER_SECOND, lambda burst: parties["410102"].post(burst, urls), "110101"),
        )
        return [asyncio.create_task(stream) for stream in streams]

    def stop(self) -> None:
        """Send nothing new."""
        self._stopping = True

    async def _stream(self, per_second: float, send: Callable[[list[Message]], Awaitable[int]], *to: str) -> None:
        """Bursts, each in custody before the next: no more than ``per_second``, and less while something is away."""
        loop = asyncio.get_running_loop()
        while not self._stopping:
            began = loop.time()
            await send(_burst(to))
            await asyncio.sleep(max(0.0, began + BURST / per_second - loop.time()))


def _burst(to: tuple[str, ...]) -> list[Message]:
    recipients = [to[number % len(to)] for number in range(BURST)]
    return [notice(one) if number % 7 == 0 else query(one) for number, one in enumerate(recipients)]


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
