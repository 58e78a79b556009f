"""Receipts: what a sender is told once its messages are on the ledger, or refused. Source: design section 4."""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from contracts.batch import Outbound
from contracts.envelope import JSON, RECEIPT
from contracts.problems import Problem, ProblemType
from services.ledger.records import Receipt

_NAMESPACE = UUID("0b5f7b8e-52b1-5c0a-8a54-7d1f6f1c7d10")


def receipt_message(receipt: Receipt, leaf_hashes: Mapping[int, bytes], at: datetime) -> Outbound:
    """``receipt`` as a message to its sender, with the leaf hashes of its entries, by which the sender can hold the log
    to them. The same batch coming again makes the same receipt, with the same id.
    """
    payload = msgspec.json.encode(_body(receipt, leaf_hashes))
    # Pieces of one batch, taken one by one, make receipts that say different things: each has an id of its own.
    id = uuid.uuid5(_NAMESPACE, f"{receipt.batch} {receipt.sender} {hashlib.sha256(payload).hexdigest()}")
    return Outbound(
        id=id,
        type=RECEIPT,
        address=receipt.sender,
        origin=None,
        content_type=JSON,
        payload=payload,
        received_at=at,
    )


def _body(receipt: Receipt, leaf_hashes: Mapping[int, bytes]) -> dict[str, Any]:
    return {
        "accepted": [{"id": id, "entry": entry, "leaf": leaf_hashes[entry].hex()} for id, entry in receipt.accepted],
        "duplicate": receipt.duplicate,
        "refused": [
            {"id": id, "problem": Problem(ProblemType.of(slug), detail).to_dict()}
            for id, slug, detail in receipt.refused
        ],
    }
