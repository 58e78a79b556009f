"""Hands committed batches to the router: messages and receipts, nothing of which was published before its commit."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from contracts.batch import Dispatch, encode
from services.ledger.receipts import receipt_message
from services.ledger.records import Handover
from services.runtime.ports import Publication


def dispatches(handovers: Iterable[Handover]) -> list[Publication]:
    """What is to be published for ``handovers``: one batch each, in ledger order; none where nothing is to be handed
    on.
    """
    now = datetime.now(UTC)
    publications = []
    for handover in handovers:
        receipts = [receipt_message(receipt, now) for receipt in handover.receipts.values()]
        messages = handover.messages + receipts
        if messages:
            # Each attempt has an id of its own, because a broker's return is told apart by it.
            id = uuid.uuid4()
            publications.append(Publication(routing_key="", body=encode(Dispatch(id, messages)), message_id=str(id)))
    return publications
