"""Hands committed batches to the router: messages and receipts, nothing of which was published before its commit."""

import uuid
from datetime import UTC, datetime

from contracts.batch import Dispatch, encode
from services.ledger.receipts import receipt_message
from services.ledger.records import Decision
from services.runtime.ports import Publication


def dispatches(decision: Decision) -> list[Publication]:
    """What is to be published for a decision that is on the ledger: one batch for each handover, in ledger order; none
    where nothing is to be handed on.
    """
    now = datetime.now(UTC)
    publications = []
    for handover in decision.handovers:
        receipts = [receipt_message(receipt, decision.leaf_hashes, now) for receipt in handover.receipts.values()]
        messages = handover.messages + receipts
        if messages:
            # Each attempt has an id of its own, because a broker's return is told apart by it.
            id = uuid.uuid4()
            publications.append(Publication(routing_key="", body=encode(Dispatch(id, messages)), message_id=str(id)))
    return publications
