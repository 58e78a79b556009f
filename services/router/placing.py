"""Places messages: into inboxes, or into parking, and reports which. Used for what the ledger hands over and for what
was parked before.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.batch import Dispatched, Outbound, Parked, ParkedMessage, Report, encode
from contracts.envelope import FROM_THE_EXCHANGE
from services.registry.snapshot import SnapshotWatcher
from services.router.addressing import ParkingReason, Placement, place, reason_of_failure
from services.router.inbox_message import inbox_publication
from services.router.metrics import RouterMetrics
from services.runtime.kill_points import reached
from services.runtime.lifecycle import Stop
from services.runtime.ports import Publication
from services.runtime.publishing import publish_until_taken
from services.runtime.pump import Sinks
from services.runtime.topology import INBOX, PARKING, REPORTS

RECEIPT_PATIENCE_S = 60.0
"""So long what the exchange itself says is tried again where an inbox does not take it."""

SWEPT = "swept"
"""Header of what lies in the parking queue: which sweep put it back; absent on what has not been tried again yet."""


@dataclass(slots=True)
class Placed:
    """What became of the messages: by recipient, or why not."""

    dispatched: list[Dispatched] = field(default_factory=list)
    parked: list[ParkedMessage] = field(default_factory=list)
    dropped: int = 0

    @property
    def parked_messages(self) -> list[ParkedMessage]:
        """What is parked and has a state on the ledger, which what the exchange itself says has not."""
        return [waiting for waiting in self.parked if waiting.message.type not in FROM_THE_EXCHANGE]


class Placing:
    """Publishes to inboxes, to parking and to the ledger, by what the registry says at that moment."""

    def __init__(
        self,
        registry: SnapshotWatcher,
        metrics: RouterMetrics,
        stop: Stop,
        receipt_patience_s: float = RECEIPT_PATIENCE_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._registry = registry
        self._metrics = metrics
        self._stop = stop
        self._receipt_patience = timedelta(seconds=receipt_patience_s)
        self._clock = clock

    async def place(self, messages: Sequence[Outbound], sinks: Sinks, sweep: str | None = None) -> Placed:
        """Publish each message to its inbox; what cannot be placed is safe in the parking queue when this returns.

        ``sweep`` marks what a sweep puts back. Raises SinkLost.
        """
        placed = Placed()
        going = self._address(messages, placed)
        publications = [inbox_publication(message, placement) for message, placement in going]
        failures = await sinks[INBOX].publish(publications) if publications else []
        reached("router.placed")
        reasons = {failure.position: reason_of_failure(failure.reason) for failure in failures}
        for position, (message, placement) in enumerate(going):
            if position in reasons:
                self._fail(placed, message, reasons[position], swept=sweep is not None)
            elif message.type not in FROM_THE_EXCHANGE:
                done = Dispatched(message.id, placement.address, placement.recipient, message.duty)
                placed.dispatched.append(done)
        await self._park(placed.parked, sinks, sweep)
        if messages:
            self._metrics.oldest(min(message.received_at for message in messages))
        self._metrics.placed(placed.dispatched, placed.parked, placed.dropped)
        return placed

    async def report(self, records: Sequence[Dispatched | Parked], sinks: Sinks) -> None:
        """Tell the ledger what became of messages. Raises SinkLost."""
        if records:
            batch = Report(uuid.uuid4(), list(records))
            publication = Publication(routing_key="", body=encode(batch), message_id=str(batch.id))
            await publish_until_taken(sinks[REPORTS], [publication], self._stop)
            reached("router.reported")

    def _address(self, messages: Sequence[Outbound], placed: Placed) -> list[tuple[Outbound, Placement]]:
        snapshot = self._registry.current
        going = []
        for message in messages:
            placement = place(message, snapshot)
            if isinstance(placement, ParkingReason):
                placed.parked.append(ParkedMessage(message, placement))
            else:
                going.append((message, placement))
        return going

    async def _park(self, parked: Sequence[ParkedMessage], sinks: Sinks, sweep: str | None) -> None:
        headers = {SWEPT: sweep} if sweep else {}
        publications = [
            # An id of its own for each attempt: a message may be put back while its first copy is still on its way.
            Publication(routing_key="", body=encode(message), message_id=str(uuid.uuid4()), headers=headers)
            for message in parked
        ]
        if publications:
            await publish_until_taken(sinks[PARKING], publications, self._stop)
            reached("router.parked")

    def _fail(self, placed: Placed, message: Outbound, reason: ParkingReason, *, swept: bool) -> None:
        # A receipt or a reminder repeats what is on the ledger. It is tried again for a while, since a queue that
        # elects its leader refuses as a full one does, and is then dropped and counted, lest it fill parking for
        # someone who reads nothing.
        late = self._clock() - message.received_at >= self._receipt_patience
        if swept and late and message.type in FROM_THE_EXCHANGE:
            placed.dropped += 1
        else:
            placed.parked.append(ParkedMessage(message, reason))
