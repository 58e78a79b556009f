"""One exchange for a whole module of tests that leave it whole: most of a fault test's time is starting processes.

What one test has sent stays in the verdict of the next. A test that fails leaves its exchange behind; the next one
gets a new one.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.faults.harness.oracle import Oracle, oracle
from tests.faults.harness.servers import Servers
from tests.faults.harness.stack import FaultStack, fault_stack


class Bench:
    """Holds the exchange; ``directory`` gives a new place for each."""

    def __init__(self, servers: Servers, directory: Callable[[], Path]) -> None:
        self._servers = servers
        self._directory = directory
        self._exits = AsyncExitStack()
        self._current: tuple[FaultStack, Oracle] | None = None

    async def take(self) -> tuple[FaultStack, Oracle]:
        """The exchange, running, with everybody reading. Give it back with ``whole``."""
        if self._current is not None:
            taken, self._current = self._current, None
            return taken
        await self.close()
        place = self._directory()
        stack = await self._exits.enter_async_context(fault_stack(self._servers, place / "stack"))
        parties = await self._exits.enter_async_context(oracle(stack, place / "oracle"))
        await stack.start()
        parties.read_all()
        return stack, parties

    def whole(self, stack: FaultStack, parties: Oracle) -> None:
        """The verdict was clean: the next test goes on with it."""
        self._current = stack, parties

    async def close(self) -> None:
        """End the exchange."""
        await self._exits.aclose()
