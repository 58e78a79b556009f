"""Gives orders: puts what is to be done onto the ledger queue, where whoever writes the log takes it in its turn.

Any ledger may give orders, and only the writer carries them out. A connection is opened for each: orders are few.
"""

import uuid
from collections.abc import Sequence
from uuid import UUID

from contracts.batch import ClosePeriod, Orders, PassOn, Remind, encode
from contracts.problems import ProblemError, ProblemType
from services.runtime.kill_points import reached
from services.runtime.ports import Broker, Publication, SinkLost
from services.runtime.topology import LEDGER


class Ordering:
    """The way from the scheduler and the API to the ledger queue."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def give(self, orders: Sequence[Remind | PassOn | ClosePeriod]) -> UUID:
        """Return the batch's id when the broker has ``orders`` on disk.

        Raises ProblemError (503) where that cannot be said; giving the same orders again does no harm.
        """
        batch = Orders(uuid.uuid4(), list(orders))
        publication = Publication(routing_key="", body=encode(batch), message_id=str(batch.id))
        try:
            async with self._broker.open_sink(LEDGER) as sink:
                failures = await sink.publish([publication])
        except SinkLost as loss:
            raise ProblemError(ProblemType.UNAVAILABLE, f"the broker is away ({loss}); try again") from loss
        if failures:
            raise ProblemError(ProblemType.UNAVAILABLE, "the ledger queue is full; try again later")
        reached("ledger.ordered")
        return batch.id
