"""An exchange under load: parties that send and answer until they are told to stop."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing

from tests.acceptance.waiting import until
from tests.cluster.progress import LogSize, Progress, progress_of
from tests.faults.harness.messages import Message, query
from tests.faults.harness.oracle import Oracle
from tests.faults.harness.stack import FaultStack

PER_SECOND = 20.0
SENDERS = {"110101": ("410102", "410202"), "410102": ("110101",)}
PROBE = "410202"
PROBE_SECONDS = 0.1


class Load:
    """What runs: ``log`` moves when the ledger commits, ``custody`` when a sender gets a confirm."""

    def __init__(self, parties: Oracle, log: Progress) -> None:
        self.log = log
        self.custody = Progress()
        self._parties = parties
        self._stopping = False

    def start(self) -> list[asyncio.Task[None]]:
        """All that sends. Each ends after ``stop`` with its last message confirmed."""
        streams = [asyncio.create_task(self._stream(sender, to)) for sender, to in SENDERS.items()]
        return [*streams, asyncio.create_task(self._probe())]

    def stop(self) -> None:
        """Send nothing new."""
        self._stopping = True

    async def flows(self, within_s: float = 120.0) -> None:
        """Wait until a message sent from now on has been delivered."""
        message = query(PROBE)
        async with asyncio.timeout(within_s):
            await self._parties["410102"].send([message])
        receiver = self._parties[PROBE]
        await until("a message arrives", lambda: message.id in receiver.received, within_s=within_s)

    def pauses(self, since: float) -> str:
        """The longest pauses since a moment, for a report."""
        custody, log = self.custody.longest_pause(since), self.log.longest_pause(since)
        return f"no confirm to a sender for {custody:.1f} s at most, no commit on the ledger for {log:.1f} s"

    async def _stream(self, sender: str, to: tuple[str, ...]) -> None:
        await self._parties[sender].send(self._endless(to), per_second=PER_SECOND)

    def _endless(self, to: tuple[str, ...]) -> Iterator[Message]:
        number = 0
        while not self._stopping:
            yield query(to[number % len(to)])
            number += 1

    async def _probe(self) -> None:
        # One message after the other, so that the time between two confirms is what a sender waits.
        sent = 0
        while not self._stopping:
            sent += await self._parties[PROBE].send([query("410102")])
            self.custody.note(sent)
            await asyncio.sleep(PROBE_SECONDS)


@asynccontextmanager
async def under_load(stack: FaultStack, parties: Oracle) -> AsyncIterator[Load]:
    """Parties at work inside the ``async with``; after it their last messages are confirmed."""
    parties.read_all()
    with closing(LogSize(stack.platform.database_url)) as size:
        async with progress_of(size) as log:
            load = Load(parties, log)
            senders = load.start()
            try:
                await load.flows()
                yield load
            finally:
                load.stop()
                async with asyncio.timeout(120):
                    await asyncio.gather(*senders)
