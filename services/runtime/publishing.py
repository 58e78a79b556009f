"""Publishing that waits: what an internal queue does not take now is offered again until it does."""

from collections.abc import Sequence

import structlog

from services.runtime.lifecycle import Stop
from services.runtime.ports import BatchSink, Publication, SinkLost

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0

log = structlog.get_logger(__name__)


async def publish_until_taken(sink: BatchSink, publications: Sequence[Publication], stop: Stop) -> None:
    """Return when the broker has all of ``publications``; what it returned or refused is offered again, with growing
    pauses.

    This is how a full internal queue slows its publishers down without anything coming back to the queue before them,
    which would count against that queue's delivery limit. Raises SinkLost, also at the stop.
    """
    waiting = list(publications)
    pause = _FIRST_PAUSE_SECONDS
    while waiting:
        failures = await sink.publish(waiting)
        if not failures:
            return
        if stop.is_set:
            raise SinkLost(f"{len(failures)} messages were not taken before the stop; they come again")
        log.warning("publish_refused", messages=len(failures), reason=failures[0].reason, pause_seconds=pause)
        waiting = [waiting[failure.position] for failure in failures]
        await stop.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
