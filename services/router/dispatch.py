"""The router's main hop: what the ledger hands over, placed into inboxes, and reported back."""

import uuid
from collections.abc import Sequence
from uuid import UUID

from contracts.batch import BatchError, Dispatch, Outbound, Parked, decode_dispatch, encode
from services.router.placing import Placing
from services.runtime.dead_letters import MESSAGE_ID, SENDER, dead_letter
from services.runtime.lifecycle import Stop
from services.runtime.ports import Delivery, Publication
from services.runtime.publishing import publish_until_taken
from services.runtime.pump import Sinks
from services.runtime.topology import DEAD_LETTERS, DISPATCH


class Dispatching:
    """Takes batches from the dispatch queue."""

    def __init__(self, placing: Placing, stop: Stop) -> None:
        self._placing = placing
        self._stop = stop

    async def handle(self, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        """Place every message of ``deliveries`` and report what became of it. When this returns, they may be acked."""
        # After a fault the ledger may have handed a message over twice: one copy is enough.
        messages: dict[tuple[UUID, int], Outbound] = {}
        for delivery in deliveries:
            try:
                batch = decode_dispatch(delivery.body)
                messages |= {(message.id, message.duty): message for message in batch.messages}
            except BatchError as error:
                letter = dead_letter(delivery, DISPATCH, str(error))
                await publish_until_taken(sinks[DEAD_LETTERS], [letter], self._stop)
        placed = await self._placing.place(list(messages.values()), sinks)
        parked = [Parked(one.message.id, one.reason, one.message.duty) for one in placed.parked_messages]
        await self._placing.report([*placed.dispatched, *parked], sinks)


def split_dispatch(body: bytes) -> list[Publication]:
    """A batch of the dispatch queue, a message a piece, for quarantine. Raises BatchError."""
    batch = decode_dispatch(body)
    return [_alone(message, batch.id) for message in batch.messages]


def _alone(message: Outbound, batch: UUID) -> Publication:
    # The same piece whenever the batch is cut up, so that it is set aside once.
    id = uuid.uuid5(batch, f"{message.id} {message.duty}")
    headers = {MESSAGE_ID: str(message.id), SENDER: message.origin or ""}
    return Publication(routing_key="", body=encode(Dispatch(id, [message])), message_id=str(id), headers=headers)
