"""What a router reports of itself."""

from collections.abc import Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, Histogram

from contracts.batch import Dispatched, ParkedMessage
from services.router.addressing import ParkingReason
from services.runtime.metrics import SECONDS


class RouterMetrics:
    """Counters of what was placed; every series exists from the start, at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._dispatched = Counter(
            "huizhi_dispatched_messages_total", "Messages confirmed into an inbox.", registry=registry
        )
        self._parked = Counter(
            "huizhi_parked_messages_total", "Messages put into parking, by reason.", ("reason",), registry=registry
        )
        self._dropped = Counter(
            "huizhi_receipts_dropped_total",
            "Receipts and reminders that an inbox did not take, twice.",
            registry=registry,
        )
        self._lag_seconds = Histogram(
            "huizhi_router_lag_seconds",
            "From a message's arrival at the exchange to its confirmed place, for the oldest of each batch.",
            buckets=SECONDS,
            registry=registry,
        )
        for reason in ParkingReason:
            self._parked.labels(reason)

    def oldest(self, received_at: datetime) -> None:
        """Note how long the oldest message of a batch was on its way."""
        self._lag_seconds.observe(max(0.0, (datetime.now(UTC) - received_at).total_seconds()))

    def placed(self, dispatched: Sequence[Dispatched], parked: Sequence[ParkedMessage], dropped: int) -> None:
        """Count one batch."""
        self._dispatched.inc(len(dispatched))
        self._dropped.inc(dropped)
        for message in parked:
            self._parked.labels(message.reason).inc()
