"""What a witness reports of itself."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.witness.outcome import Outcome


class WitnessMetrics:
    """What became of requests, and how far each log has been cosigned."""

    def __init__(self, registry: CollectorRegistry, origins: Iterable[str] = ()) -> None:
        self._requests = Counter(
            "huizhi_witness_requests_total", "Checkpoints to cosign, by what became of it.", ("outcome",),
            registry=registry,
        )  # fmt: skip
        self._size = Gauge(
            "huizhi_witness_size_entries", "Size of the newest cosigned checkpoint, by log.", ("origin",),
            registry=registry,
        )  # fmt: skip
        for outcome in Outcome:
            self._requests.labels(outcome.label)
        for origin in origins:
            self._size.labels(origin).set(0)

    def answered(self, outcome: Outcome) -> None:
        """Count a request."""
        self._requests.labels(outcome.label).inc()

    def cosigned(self, origin: str, size: int) -> None:
        """A log's newest checkpoint is of this size."""
        self._size.labels(origin).set(size)
