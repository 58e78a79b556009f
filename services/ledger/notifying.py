"""Tells people outside the exchange of reminders and escalations, beside the ledger's work and never in its way.

At most once: a commit is told of after it is there, once, and what a crash or an outage swallows is not made up for.
Nothing depends on it, since the reminder itself is a message in an inbox, which is delivered at least once.
"""

import asyncio
from collections.abc import Sequence

import structlog

from services.ledger.channels import Channel, NotSentError
from services.ledger.metrics import LedgerMetrics
from services.ledger.notifications import Notification, notifications
from services.ledger.records import Decision
from services.runtime.lifecycle import Stop

_MOST_WAITING = 1000
"""Commits that wait to be told of; what is more is dropped and counted."""
_LOOK_AT_STOP_S = 0.5

log = structlog.get_logger(__name__)


class Notifier:
    """Sends to all ``channels``, each of which has ``timeout_s`` seconds. Without channels it does nothing."""

    def __init__(
        self,
        channels: Sequence[Channel],
        metrics: LedgerMetrics,
        timeout_s: float,
        *,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._channels = channels
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._waiting: asyncio.Queue[list[Notification]] = asyncio.Queue(most_waiting)

    def committed(self, decision: Decision) -> None:
        """Have it told what a commit recorded. Returns at once, and raises nothing."""
        told = notifications(decision) if self._channels else []
        if told:
            try:
                self._waiting.put_nowait(told)
            except asyncio.QueueFull:
                self._metrics.notifications.labels("dropped").inc(len(self._channels))

    async def run(self, stop: Stop) -> None:
        """Tell, one commit after the other, until the stop; what still waits then is let go."""
        while not stop.is_set:
            try:
                told = await asyncio.wait_for(self._waiting.get(), _LOOK_AT_STOP_S)
            except TimeoutError:
                continue
            await asyncio.gather(*(self._send(channel, told) for channel in self._channels))

    async def _send(self, channel: Channel, told: Sequence[Notification]) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await channel.send(told)
        except (NotSentError, TimeoutError) as error:
            self._metrics.notifications.labels("failed").inc()
            log.warning("notification_failed", channel=type(channel).__name__, error=str(error) or "timeout")
        else:
            self._metrics.notifications.labels("sent").inc()
