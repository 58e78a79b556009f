"""Quarantine: what came back too often is tried by itself, so that one poisonous message takes no other with it.

A consumer that dies counts against everything that it had in hand. In quarantine a consumer has one message in hand; a
batch is first cut up into pieces, which go to the end of the same queue. What kills its consumer even there goes to
the dead letters.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from services.runtime.dead_letters import dead_letter
from services.runtime.kill_points import reached
from services.runtime.lifecycle import Stop
from services.runtime.metrics import PumpMetrics
from services.runtime.ports import Broker, Delivery, Publication
from services.runtime.publishing import publish_until_taken
from services.runtime.pump import Handle, Pump, Sinks
from services.runtime.settings import BatchSettings
from services.runtime.topology import DEAD_LETTERS, QUARANTINE, quarantine_queue
from services.runtime.trials import Trials

PIECE = "piece"
"""Header of what is as small as it can be."""

ONE_AT_A_TIME = BatchSettings(size=1, linger_ms=0, HUIZHI_PREFETCH=1)

Split = Callable[[bytes], list[Publication]]

log = structlog.get_logger(__name__)


def hop(
    broker: Broker,
    queue: str,
    exchanges: Sequence[str],
    handle: Handle,
    split: Split | None,
    *,
    settings: BatchSettings,
    metrics: PumpMetrics,
    stop: Stop,
    on_open: Callable[[], None] = lambda: None,
    trials: Trials | None = None,
) -> tuple[Pump, Pump]:
    """The two pumps of an internal queue: of the queue itself, and of its quarantine, which is emptied first.

    ``exchanges`` are what ``handle`` needs; hops of one service share their ``trials``.
    """
    trials = trials or Trials()
    apart = Quarantine(queue, handle, split, stop, trials)

    def on_open_apart() -> None:
        on_open()
        trials.quiet(queue)

    return (
        Pump(
            broker,
            queue=queue,
            exchanges=exchanges,
            handle=handle,
            settings=settings,
            metrics=metrics,
            on_open=on_open,
            after=trials.over,
        ),
        Pump(
            broker,
            queue=quarantine_queue(queue),
            exchanges=[*exchanges, QUARANTINE] if split else exchanges,
            handle=apart.handle,
            settings=ONE_AT_A_TIME,
            metrics=metrics,
            on_open=on_open_apart,
        ),
    )


class Quarantine:
    """Tries what ``queue`` passed on: cut up by ``split``, then handled like anything else.

    ``split`` raises ValueError for what cannot be read; that goes to the dead letters. None: messages are pieces as
    they are.
    """

    def __init__(self, queue: str, handle: Handle, split: Split | None, stop: Stop, trials: Trials) -> None:
        self._queue = queue
        self._handle = handle
        self._split = split
        self._stop = stop
        self._trials = trials
        trials.add(queue)

    async def handle(self, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        """Handle one delivery, or cut it up. When this returns, it may be acked."""
        self._trials.busy(self._queue)
        for delivery in deliveries:
            if self._split is None or PIECE in delivery.properties.headers:
                await self._handle([delivery], sinks)
            else:
                await self._cut_up(delivery, self._split, sinks)
        self._trials.quiet(self._queue)

    async def _cut_up(self, delivery: Delivery, split: Split, sinks: Sinks) -> None:
        try:
            pieces = split(delivery.body)
        except ValueError as error:
            letter = dead_letter(delivery, self._queue, f"unreadable: {type(error).__name__}")
            await publish_until_taken(sinks[DEAD_LETTERS], [letter], self._stop)
            return
        log.warning("quarantined", queue=self._queue, pieces=len(pieces))
        marked = [replace(piece, routing_key=self._queue, headers={**piece.headers, PIECE: 1}) for piece in pieces]
        await publish_until_taken(sinks[QUARANTINE], marked, self._stop)
        reached("quarantine.split")
