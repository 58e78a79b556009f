"""What a gateway reports of itself."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter

from contracts.batch import Admitted, Refused
from contracts.envelope import MessageType
from contracts.problems import ProblemType


class GatewayMetrics:
    """Counters of what was let in and what was not; every series exists from the start, at 0."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accepted = Counter(
            "huizhi_gateway_accepted_messages_total",
            "Messages let in and handed on to the ledger, by type and door.",
            ("type", "door"),
            registry=registry,
        )
        self._refused = Counter(
            "huizhi_gateway_refused_messages_total",
            "Messages not let in here, by problem.",
            ("problem",),
            registry=registry,
        )
        self._unauthenticated = Counter(
            "huizhi_gateway_unauthenticated_requests_total", "Posts without a valid token.", registry=registry
        )
        for type in MessageType:
            for door in ("amqp", "http"):
                self._accepted.labels(type, door)
        for problem in ProblemType:
            self._refused.labels(problem.slug)

    def handed_on(self, records: Sequence[Admitted | Refused], door: str) -> None:
        """Count what the broker has confirmed into the ledger queue."""
        for record in records:
            if isinstance(record, Admitted):
                self._accepted.labels(record.type, door).inc()
            else:
                self._refused.labels(record.problem).inc()

    def unauthenticated(self) -> None:
        """Count a post that said nothing of who sent it."""
        self._unauthenticated.inc()
