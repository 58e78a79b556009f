"""Starts services again whenever they have died, as systemd would, and keeps count of what they died of."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.acceptance.waiting import until
from tests.faults.harness.instance import ServiceProcess
from tests.faults.harness.stack import FaultStack

AGAIN_AFTER_SECONDS = 1.0


class Keeper:
    """Looks after the services of a stack. ``kills`` counts who was killed, ``ends`` who ended by itself, and how."""

    def __init__(self, stack: FaultStack) -> None:
        self._stack = stack
        self._away: dict[str, float] = {}
        self.kills: Counter[str] = Counter()
        self.ends: list[str] = []

    async def kill(self, name: str, away: float) -> None:
        """``kill -9``; it is started again ``away`` seconds later. Returns when it is."""
        one = self._stack[name]
        before = one.process
        self._away[name] = away
        one.send(signal.SIGKILL)
        await until(f"{name} is started again", lambda: one.process is not before)

    def count_kill(self, server: str) -> None:
        """A server was killed, or gave up, as it was meant to."""
        self.kills[server] += 1
        self._stack.other_kills += 1

    async def keep(self, one: ServiceProcess) -> None:
        """Start one service again and again."""
        while True:
            assert one.process is not None
            status = await one.process.wait()
            one.deaths += 1
            if status == -signal.SIGKILL:
                self.kills[one.name] += 1
            else:
                self.ends.append(f"{one.name} ended with status {status}")
            await asyncio.sleep(self._away.pop(one.name, AGAIN_AFTER_SECONDS))
            await one.start()


@asynccontextmanager
async def kept(stack: FaultStack) -> AsyncIterator[Keeper]:
    """The services, which run already, are looked after inside the ``async with``."""
    keeper = Keeper(stack)
    async with asyncio.TaskGroup() as group:
        keeping = [group.create_task(keeper.keep(one)) for one in stack.services.values()]
        yield keeper
        for task in keeping:
            task.cancel()
