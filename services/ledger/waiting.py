"""Waiting out a database that is away, with the batch in hand: a batch that came back would be counted against its
queue's limit.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from services.ledger.head import FencedError
from services.ledger.metrics import LedgerMetrics
from services.ledger.store.faults import is_away
from services.runtime.lifecycle import Stop
from services.runtime.ports import SourceLost

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


class Patience:
    """Does work on the database again until the database is there."""

    def __init__(self, metrics: LedgerMetrics, stop: Stop) -> None:
        self._metrics = metrics
        self._stop = stop
        self._trouble: str | None = None

    def check(self) -> str | None:
        """A readiness check: None while the database takes what is written, otherwise why it is waited for."""
        return self._trouble

    async def until_there(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """The result of ``work``. Raises SourceLost when fenced off, or stopped while waiting, and whatever is no
        outage.
        """
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                result = await work()
            except FencedError as error:
                self._metrics.fenced.inc()
                raise SourceLost(f"another writer has taken the log over: {error}") from error
            except Exception as error:
                if not is_away(error):
                    raise
                self._trouble = f"{type(error).__name__}: {error}"
                if self._stop.is_set:
                    raise SourceLost("the database was away at the stop; the batch comes again") from error
                log.warning("database_away", error=self._trouble, pause_seconds=pause)
            else:
                self._trouble = None
                return result
            await self._stop.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
