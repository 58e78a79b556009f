"""The broker as the services are given it, on lanes."""

from contextlib import AbstractAsyncContextManager

from services.runtime.lane.address import read_addresses
from services.runtime.lane.sink import open_sink
from services.runtime.lane.source import open_source
from services.runtime.ports import BatchSink, BatchSource


class LaneBroker:
    """Opens sources and sinks on lanes; ``services.runtime.ports.Broker`` has the contract.

    ``name`` is the service's: the broker lists connections as ``gateway source ingress``, ``gateway sink ledger``.
    ``confirm_timeout`` is in seconds. Raises ValueError for a URL that it can do nothing with.
    """

    def __init__(self, url: str, *, name: str, confirm_timeout: float = 30.0) -> None:
        self._addresses = read_addresses(url)
        self._name = name
        self._confirm_timeout = confirm_timeout

    def open_source(
        self, queue: str, *, size: int, linger: float, prefetch: int
    ) -> AbstractAsyncContextManager[BatchSource]:
        """A source on ``queue``. Raises SourceLost when it cannot be opened."""
        name = f"{self._name} source {queue}"
        return open_source(self._addresses, name, queue, size=size, linger=linger, prefetch=prefetch)

    def open_sink(self, exchange: str) -> AbstractAsyncContextManager[BatchSink]:
        """A sink on ``exchange``. Raises SinkLost when it cannot be opened."""
        name = f"{self._name} sink {exchange}"
        return open_sink(self._addresses, name, exchange, confirm_timeout=self._confirm_timeout)
