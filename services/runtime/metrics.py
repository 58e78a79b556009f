"""Metrics: a registry per service, with what every service reports of itself.

Names follow Prometheus' conventions: ``huizhi_<what>_<unit>``, base units, ``_total`` for counters. No ids or
texts in labels: a label's values must be few and known.
"""

from importlib.metadata import PackageNotFoundError, version

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Buckets for how long something takes, from a fast commit to a confirm timeout."""
MESSAGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
"""Buckets for how many messages a batch holds."""


def huizhi_version() -> str:
    """The installed version; ``0`` in a tree that was never installed."""
    try:
        return version("huizhi")
    except PackageNotFoundError:
        return "0"


def service_registry(service: str) -> CollectorRegistry:
    """A new registry with ``huizhi_build_info`` and the process's own figures."""
    registry = CollectorRegistry(auto_describe=True)
    build = Gauge("huizhi_build_info", "Which version runs; always 1.", ("service", "version"), registry=registry)
    build.labels(service, huizhi_version()).set(1)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def render(registry: CollectorRegistry) -> bytes:
    """The registry in Prometheus' text format, of media type ``CONTENT_TYPE``."""
    return generate_latest(registry)


class PumpMetrics:
    """What the loops between queues report, by the queue they take from."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Histogram(
            "huizhi_batch_messages", "Messages in a batch.", ("queue",), buckets=MESSAGES, registry=registry
        )
        self.seconds = Histogram(
            "huizhi_batch_seconds", "Time to handle a batch.", ("queue",), buckets=SECONDS, registry=registry
        )
        self.losses = Counter(
            "huizhi_broker_losses_total", "Times a source or sink was lost.", ("queue",), registry=registry
        )
        self.connected = Gauge(
            "huizhi_broker_connected", "1 while source and sinks are open, otherwise 0.", ("queue",), registry=registry
        )
