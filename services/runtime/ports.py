"""How the services see AMQP: batches in, batches out (design section 3).

The contract, whoever implements it:

- **At least once.** A delivery is the source's until it is acked, and comes again when the source dies before that.
- **One life, one connection.** A source or a sink lives on one connection of its own and dies at the first surprise:
  connection or channel closed, consumer cancelled, queue deleted, confirmation overdue. From then on it raises
  ``SourceLost`` or ``SinkLost``. Its user opens a new one, and redelivery does the rest; nothing reconnects by itself.
- **Failures are charged to positions.** What the broker returned or refused is named by its place in the published
  list, never by an id: ids repeat when a sender retries, places do not.
- **Nothing of a participant's making kills a source.** A property that cannot be read arrives as ``Malformed``.

    PortError
    ├── SourceLost    what was handed out and not acked will be delivered again, to somebody
    └── SinkLost      whatever was being published may or may not be in its queues: publish it again, with the same ids
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

_SHORT_STRING_BYTES = 255


class PortError(Exception):
    """The root of what the ports raise."""


class SourceLost(PortError):  # noqa: N818 - It says what happened, as its users' words have it.
    """The source is dead: open a new one. What was handed out and not acked is delivered again."""


class SinkLost(PortError):  # noqa: N818 - It says what happened, as its users' words have it.
    """The sink is dead: open a new one. The outcome of everything in the unfinished publish is unknown."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """Stands where a property or header should be that cannot be read. ``raw`` is what came, never to be logged."""

    raw: bytes = field(repr=False)
    reason: str


class Properties(NamedTuple):
    """The basic properties of a message (AMQP 0-9-1 section 4.2.6.1, and the specification's ``basic`` class).

    A named tuple, since one is made for every message that comes in and a frozen dataclass costs five times as much.
    Header values are None, bool, int, float, Decimal, str, bytes, datetime, lists and dicts of these, and Malformed.
    """

    content_type: str | Malformed | None = None
    content_encoding: str | Malformed | None = None
    headers: Mapping[str, object] = MappingProxyType({})
    delivery_mode: int | None = None
    priority: int | None = None
    correlation_id: str | Malformed | None = None
    reply_to: str | Malformed | None = None
    expiration: str | Malformed | None = None
    message_id: str | Malformed | None = None
    timestamp: datetime | Malformed | None = None
    type: str | Malformed | None = None
    user_id: str | Malformed | None = None
    app_id: str | Malformed | None = None
    cluster_id: str | Malformed | None = None

    def malformed(self) -> Iterator[tuple[str, Malformed]]:
        """What could not be read, each with its name: ``message_id``, ``headers.to``, ``headers.list[2].key``."""
        for name, value in zip(self._fields, self, strict=True):
            yield from _malformed_within(name, value)


def _malformed_within(name: str, value: object) -> Iterator[tuple[str, Malformed]]:
    if isinstance(value, Malformed):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _malformed_within(f"{name}.{key}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _malformed_within(f"{name}[{index}]", inner)


class Delivery(NamedTuple):
    """One message as it came off a queue. It is valid for the source that handed it out, and for no other."""

    body: bytes
    routing_key: str | Malformed
    redelivered: bool
    tag: int
    properties: Properties


@dataclass(frozen=True, slots=True)
class Publication:
    """One message to be published: always persistent and mandatory.

    Without a ``message_id`` the implementation may set one of its own making. Raises ValueError when a text is longer
    than the 255 bytes that AMQP has room for.
    """

    routing_key: str
    body: bytes
    message_id: str | None = None
    type: str | None = None
    correlation_id: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("routing_key", "message_id", "type", "correlation_id", "content_type"):
            text: str | None = getattr(self, name)
            if text and len(text) * 4 > _SHORT_STRING_BYTES and len(text.encode()) > _SHORT_STRING_BYTES:
                raise ValueError(f"{name} is longer than {_SHORT_STRING_BYTES} bytes; AMQP has no room for it")


@dataclass(frozen=True, slots=True)
class Failure:
    """A publication that is in no queue, and why.

    ``returned``: no queue is bound for its routing key. ``nacked``: a queue would not take it, mostly when it is full.
    """

    position: int
    reason: Literal["returned", "nacked"]


class BatchSource(Protocol):
    """Takes one queue's messages in batches, in the queue's order.

    A batch holds 1 to ``size`` deliveries. Messages that already wait are handed out at once; when none waits, the
    first one to come waits no longer than ``linger`` for company. Iteration may be cancelled and loses nothing.
    """

    @property
    def alive(self) -> bool:
        """False once the source is lost."""

    def __aiter__(self) -> AsyncIterator[list[Delivery]]:
        """The source itself."""

    async def __anext__(self) -> list[Delivery]:
        """The next batch. Raises SourceLost; never ends by itself."""

    async def ack(self, through: Delivery) -> None:
        """Acknowledge ``through`` and every delivery handed out before it.

        That the broker acted on it cannot be known: a connection that dies just then delivers these messages again.
        Raises SourceLost, and ValueError for a delivery that this source did not hand out or that is acked already:
        acking by an old source's tag would throw away messages that nobody handled.
        """


class BatchSink(Protocol):
    """Publishes to one exchange, with confirms."""

    @property
    def alive(self) -> bool:
        """False once the sink is lost."""

    async def publish(self, publications: Sequence[Publication]) -> list[Failure]:
        """Publish all, in order, and return when the outcome of each is known: those that failed, by position.

        Everything that is not named is in every queue it was routed to, on disk. Publications with the same id keep
        their order, too. Calls from several tasks are served one after the other. A blocked broker (memory or disk
        alarm) is waited for. Raises SinkLost when any outcome is unknown, a cancelled call leaves the sink lost.
        """


class Broker(Protocol):
    """Opens sources and sinks, each on a connection of its own that the broker's list shows under a telling name."""

    def open_source(
        self, queue: str, *, size: int, linger: float, prefetch: int
    ) -> AbstractAsyncContextManager[BatchSource]:
        """A source on ``queue``; ``linger`` in seconds, at most ``prefetch`` deliveries handed out or buffered unacked.

        Raises SourceLost when it cannot be opened, saying why.
        """

    def open_sink(self, exchange: str) -> AbstractAsyncContextManager[BatchSink]:
        """A sink on ``exchange``. Raises SinkLost when it cannot be opened, saying why."""
