"""What the ledger could not take, on its way to the dead letters. The list of it names no more than ids and the kind
of error.
"""

import uuid
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from contracts.batch import Admitted, BatchError, Intake, Refused, Report, encode
from services.runtime.ports import Publication

_NAMESPACE = UUID("3a1c8f0e-3c1d-5b7a-9d2f-6e1f0c4b8a21")


@dataclass(frozen=True, slots=True)
class SetAsideBody:
    """Bytes that nobody could take, and what is known of them. The same bytes have the same id."""

    id: UUID
    body: bytes
    reason: str
    batch: UUID | None = None
    message_id: UUID | None = None
    sender: str | None = None

    @classmethod
    def unreadable(cls, body: bytes, error: BatchError) -> Self:
        """A whole message of the ledger queue that is no batch."""
        return cls(uuid.uuid5(_NAMESPACE, body.hex()), body, str(error))

    @classmethod
    def record(cls, batch: Intake | Report, error: Exception) -> Self:
        """A batch of one record, or of one that came twice, which the ledger could not take for ``error``."""
        record = batch.records[0]
        sender = record.sender if isinstance(record, Admitted | Refused) else None
        message_id = record.message_id if isinstance(record, Refused) else record.id
        reason = f"the ledger failed at it: {type(error).__name__}"
        return cls(
            uuid.uuid5(_NAMESPACE, f"{batch.id} {record.id}"), encode(batch), reason, batch.id, message_id, sender
        )

    def publication(self) -> Publication:
        """As it goes to the dead letters."""
        return Publication(
            routing_key="", body=self.body, message_id=str(uuid.uuid4()), headers={"reason": self.reason}
        )
