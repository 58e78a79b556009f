"""The router's main hop: what the ledger hands over, placed into inboxes, and reported back."""

from collections.abc import Sequence
from uuid import UUID

from contracts.batch import Outbound, Parked, decode_dispatch
from services.router.placing import Placing
from services.runtime.ports import Delivery
from services.runtime.pump import Sinks


class Dispatching:
    """Takes batches from the dispatch queue."""

    def __init__(self, placing: Placing) -> None:
        self._placing = placing

    async def handle(self, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        """Place every message of ``deliveries`` and report what became of it. When this returns, they may be acked."""
        # After a fault the ledger may have handed a message over twice: one copy is enough.
        messages: dict[UUID, Outbound] = {}
        for delivery in deliveries:
            messages |= {message.id: message for message in decode_dispatch(delivery.body).messages}
        placed = await self._placing.place(list(messages.values()), sinks)
        parked = [Parked(waiting.message.id, waiting.reason) for waiting in placed.parked]
        await self._placing.report([*placed.dispatched, *parked], sinks)
