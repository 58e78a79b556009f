"""Receipts: what a sender is told once its messages are on the ledger, or refused. Source: design section 4."""

import uuid
from datetime import datetime
from uuid import UUID

import msgspec

from contracts.batch import Outbound
from contracts.envelope import JSON, RECEIPT
from contracts.problems import Problem, ProblemType
from services.ledger.records import Receipt

_NAMESPACE = UUID("0b5f7b8e-52b1-5c0a-8a54-7d1f6f1c7d10")


def receipt_message(receipt: Receipt, at: datetime) -> Outbound:
    """``receipt`` as a message to its sender. The same batch coming again makes a receipt with the same id."""
    body = {
        "accepted": [{"id": id, "entry": entry} for id, entry in receipt.accepted],
        "duplicate": receipt.duplicate,
        "refused": [
            {"id": id, "problem": Problem(ProblemType.of(slug), detail).to_dict()}
            for id, slug, detail in receipt.refused
        ],
    }
    return Outbound(
        id=uuid.uuid5(_NAMESPACE, f"{receipt.batch} {receipt.sender}"),
        type=RECEIPT,
        address=receipt.sender,
        origin=None,
        content_type=JSON,
        payload=msgspec.json.encode(body),
        received_at=at,
    )
