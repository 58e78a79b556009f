"""How long something stood still: the time that a take-over took, as those see it who wait for it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import asyncpg

from services.runtime.database_connection import connect

LOOK_SECONDS = 0.05


class Progress:
    """The moments at which a figure moved."""

    def __init__(self) -> None:
        self._moved = [time.monotonic()]
        self._last: int | None = None

    def note(self, figure: int | None) -> None:
        """Take what the figure is now; None where it could not be read."""
        if figure is not None and figure != self._last:
            self._last = figure
            self._moved.append(time.monotonic())

    def longest_pause(self, since: float) -> float:
        """The longest time in seconds without a move from ``since``, a moment of ``time.monotonic``, until now."""
        moments = [since, *(moment for moment in self._moved if moment > since), time.monotonic()]
        return max(later - earlier for earlier, later in pairwise(moments))

    def moves(self, since: float) -> int:
        """How often it moved after ``since``."""
        return sum(moment > since for moment in self._moved)


@asynccontextmanager
async def progress_of(figure: Callable[[], Awaitable[int | None]]) -> AsyncIterator[Progress]:
    """Watch a figure as long as the ``async with`` lasts."""
    progress = Progress()

    async def watch() -> None:
        while True:
            progress.note(await figure())
            await asyncio.sleep(LOOK_SECONDS)

    watching = asyncio.create_task(watch())
    try:
        yield progress
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


class LogSize:
    """How many entries the log has, asked of whichever server can be written to."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._connection: asyncpg.Connection | None = None

    async def __call__(self) -> int | None:
        """The size; None while no server answers."""
        try:
            async with asyncio.timeout(2):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(self._url, timeout=1.5)
                size: int = await self._connection.fetchval("SELECT size FROM log_head")
                return size
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self.close()
            return None

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
