"""The AMQP door: what participants publish to ``ingress``, admitted and handed on before it is acked."""

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from contracts.batch import Admitted, Refused
from contracts.envelope import MEMBERS
from contracts.period import Calendar
from services.gateway.admission import Incoming, admit, may_be_out_of_date
from services.gateway.intake import intakes
from services.gateway.metrics import GatewayMetrics
from services.registry.snapshot import SnapshotWatcher
from services.runtime.dead_letters import dead_letter
from services.runtime.kill_points import reached
from services.runtime.lifecycle import Stop
from services.runtime.ports import Delivery, Publication
from services.runtime.publishing import publish_until_taken
from services.runtime.pump import Sinks
from services.runtime.topology import DEAD_LETTERS, INGRESS, LEDGER

log = structlog.get_logger(__name__)

_HEADERS = MEMBERS - {"id", "type", "correlation_id", "content_type"}


class AMQPIngress:
    """Takes batches of deliveries from the ingress queue."""

    def __init__(self, registry: SnapshotWatcher, calendar: Calendar, metrics: GatewayMetrics, stop: Stop) -> None:
        self._registry = registry
        self._calendar = calendar
        self._metrics = metrics
        self._stop = stop

    async def handle(self, deliveries: Sequence[Delivery], sinks: Sinks) -> None:
        """Admit or refuse each delivery and hand all of them on. When this returns, they may be acked."""
        now = datetime.now(UTC)
        records: list[Admitted | Refused] = []
        letters: list[Publication] = []
        for delivery in deliveries:
            try:
                records.append(await self._admit(incoming(delivery, now)))
            except Exception as error:
                # A fault of ours at one message must not stop the messages behind it; it is kept, and listed.
                log.exception("message_not_admitted", message_id=str(delivery.properties.message_id))
                letters.append(dead_letter(delivery, INGRESS, f"the gateway failed at it: {type(error).__name__}"))
        reached("gateway.admitted")
        await publish_until_taken(sinks[DEAD_LETTERS], letters, self._stop)
        await publish_until_taken(sinks[LEDGER], intakes(records), self._stop)
        reached("gateway.handed-on")
        self._metrics.handed_on(records, "amqp")

    async def _admit(self, message: Incoming) -> Admitted | Refused:
        record = admit(message, self._registry.current, self._calendar)
        if may_be_out_of_date(record):
            record = admit(message, await self._registry.fresh(), self._calendar)
        return record


def incoming(delivery: Delivery, arrived_at: datetime) -> Incoming:
    """A delivery as admission reads it. The broker has checked ``user_id`` against the connection, where it is set."""
    properties = delivery.properties
    account = properties.user_id if isinstance(properties.user_id, str) and properties.user_id else None
    headers = properties.headers
    fields: dict[str, object] = {name: headers[name] for name in _HEADERS if name in headers}
    fields["id"] = properties.message_id
    fields["type"] = properties.type
    fields["correlation_id"] = properties.correlation_id
    fields["content_type"] = properties.content_type
    return Incoming("amqp", account, account or "", fields, delivery.body, arrived_at)
