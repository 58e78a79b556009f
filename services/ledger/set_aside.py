"""What nobody could take is set aside: its bytes into a queue that nobody empties but an operator, its ids and reason
onto a list.
"""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from services.ledger.metrics import LedgerMetrics
from services.ledger.store.queries import WRITING
from services.ledger.store.time_limit import borrowed
from services.ledger.store.transaction import transaction
from services.ledger.waiting import Patience
from services.runtime.dead_letters import Epitaph, epitaph
from services.runtime.kill_points import reached
from services.runtime.lifecycle import Stop
from services.runtime.ports import Delivery, Publication
from services.runtime.publishing import publish_until_taken
from services.runtime.pump import Sinks
from services.runtime.topology import SET_ASIDE

_NAMESPACE = UUID("3a1c8f0e-3c1d-5b7a-9d2f-6e1f0c4b8a21")

log = structlog.get_logger(__name__)


class SettingAside:
    """Takes the dead letters. It reads their properties only: their bodies are what others died of."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", patience: Patience, metrics: LedgerMetrics, stop: Stop, timeout_s: float = 30.0
    ) -> None:
        self._pool = pool
        self._timeout_s = timeout_s
        self._patience = patience
        self._metrics = metrics
        self._stop = stop

    async def handle(self, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        """List each dead letter and keep its bytes. When this returns, they may be acked."""
        for delivery in deliveries:
            about = epitaph(delivery)
            id = _id(delivery, about)
            headers = {"id": str(id), "queue": about.queue, "reason": about.reason}
            kept = Publication(routing_key="", body=delivery.body, message_id=str(uuid.uuid4()), headers=headers)
            # The bytes first: what is on the list is kept.
            await publish_until_taken(sinks[SET_ASIDE], [kept], self._stop)
            reached("ledger.kept")
            await self._patience.until_there(partial(self._list, id, about))
            reached("ledger.listed")
            self._metrics.set_aside.inc()
            log.error("set_aside", id=str(id), queue=about.queue, reason=about.reason, message_id=str(about.message_id))

    async def _list(self, id: UUID, about: Epitaph) -> None:
        values = (id, datetime.now(UTC), about.queue, about.message_id, about.sender, about.reason)
        async with borrowed(self._pool, self._timeout_s) as connection, transaction(connection):
            await connection.execute(WRITING["set_aside"], *values)


def _id(delivery: Delivery, about: Epitaph) -> UUID:
    """The same for the same message set aside again, so that it is listed once."""
    digest = hashlib.sha256(delivery.body).hexdigest()
    return uuid.uuid5(_NAMESPACE, f"{about.queue} {about.message_id} {digest}")
