"""Trials: what lies in quarantine is tried before a service takes anything else in hand.

A service that dies takes what it had in hand one further towards the delivery limit, in whichever queue it lies. A
piece in quarantine is given its tries to answer for itself, not for the head of another queue that kills the service as
soon as it is opened. So at its start a service first empties its quarantines.
"""

import asyncio

QUIET_SECONDS = 0.3
"""A quarantine from which nothing came for so long is taken to be empty."""


class Trials:
    """The quarantines of one service."""

    def __init__(self) -> None:
        self._open: dict[str, asyncio.TimerHandle | None] = {}
        self._over = asyncio.Event()

    def add(self, queue: str) -> None:
        """Wait for ``queue``, too."""
        self._open[queue] = None

    def quiet(self, queue: str) -> None:
        """Nothing of ``queue`` is in hand from now on."""
        self.busy(queue)
        if queue in self._open:
            self._open[queue] = asyncio.get_running_loop().call_later(QUIET_SECONDS, self._end, queue)

    def busy(self, queue: str) -> None:
        """Something of ``queue`` is in hand."""
        if (timer := self._open.get(queue)) is not None:
            timer.cancel()

    async def over(self) -> None:
        """Return when every quarantine was found empty once."""
        await self._over.wait()

    def _end(self, queue: str) -> None:
        del self._open[queue]
        if not self._open:
            self._over.set()
