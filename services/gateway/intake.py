"""Admitted and refused messages as batches for the ledger queue, each small enough for any broker to carry."""

import uuid
from collections.abc import Iterator, Sequence

from contracts.batch import Admitted, Intake, Refused, encode
from services.runtime.ports import Publication

MAX_BATCH_BYTES = 1024 * 1024
"""Payload bytes in one batch; a single message may be larger by itself, and then goes alone."""


def intakes(records: Sequence[Admitted | Refused]) -> list[Publication]:
    """``records`` in order, as batches. Each batch has an id of its own, by which the ledger knows it again."""
    batches = [Intake(uuid.uuid4(), chunk) for chunk in _chunks(records)]
    return [Publication(routing_key="", body=encode(batch), message_id=str(batch.id)) for batch in batches]


def _chunks(records: Sequence[Admitted | Refused]) -> Iterator[list[Admitted | Refused]]:
    chunk: list[Admitted | Refused] = []
    size = 0
    for record in records:
        payload = len(record.payload) if isinstance(record, Admitted) else 0
        if chunk and size + payload > MAX_BATCH_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += payload
    if chunk:
        yield chunk
