"""One HTTP connection, which its client cannot hold for longer than it takes to send a request.

uvicorn limits how long a connection waits for a further request, not how long it waits for the first one, nor for the
rest of one. Whoever opens connections and says nothing, or a byte a minute, would occupy all that a service takes.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 30.0


class HTTPConnection(H11Protocol):
    """uvicorn's connection; closed when a request is not whole within ``REQUEST_SECONDS``."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing more to wait for."""
        self._rest()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take in what has come, and wait for the rest of it."""
        super().handle_events()
        # Between two requests uvicorn's own timer runs.
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and self.timeout_keep_alive_task is None:
            self._watch()
        else:
            self._rest()

    def _watch(self) -> None:
        # Set once for a request, not for each piece of it.
        if self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
