"""The broker as the services are given it, on aio-pika."""

from contextlib import AbstractAsyncContextManager

from services.runtime.amqp.sink import open_sink
from services.runtime.amqp.source import open_source
from services.runtime.amqp.tolerance import tolerate_malformed_properties
from services.runtime.ports import BatchSink, BatchSource


class AioPikaBroker:
    """Opens sources and sinks on aio-pika; ``services.runtime.ports.Broker`` has the contract.

    ``name`` is the service's: the broker lists connections as ``gateway source ingress``, ``gateway sink ledger``.
    """

    def __init__(self, url: str, *, name: str, confirm_timeout: float = 30.0) -> None:
        self._url = url
        self._name = name
        self._confirm_timeout = confirm_timeout
        tolerate_malformed_properties()

    def open_source(
        self, queue: str, *, size: int, linger: float, prefetch: int
    ) -> AbstractAsyncContextManager[BatchSource]:
        """A source on ``queue``. Raises SourceLost when it cannot be opened."""
        name = f"{self._name} source {queue}"
        return open_source(self._url, name, queue, size=size, linger=linger, prefetch=prefetch)

    def open_sink(self, exchange: str) -> AbstractAsyncContextManager[BatchSink]:
        """A sink on ``exchange``. Raises SinkLost when it cannot be opened."""
        name = f"{self._name} sink {exchange}"
        return open_sink(self._url, name, exchange, confirm_timeout=self._confirm_timeout)
