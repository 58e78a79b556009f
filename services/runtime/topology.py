"""Exchanges, queues and who may touch them: the only place that knows their names and arguments.

Topology is data. Provisioning declares it, the services rely on it: a service's own channels never declare anything:
they have no right to, and a re-declared queue with other arguments closes the channel.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aio_pika.abc import AbstractChannel

INGRESS = "ingress"
LEDGER = "ledger"
DISPATCH = "dispatch"
REPORTS = "reports"
PARKING = "parking"
INBOX = "inbox"
QUARANTINE = "quarantine"
DEAD_LETTERS = "dead-letters"
SET_ASIDE = "set-aside"

GATEWAY_ACCOUNT = "huizhi-gateway"
LEDGER_ACCOUNT = "huizhi-ledger"
ROUTER_ACCOUNT = "huizhi-router"

DELIVERY_LIMIT = 10
"""So often a message may come back unhandled before its queue passes it on instead of round for ever.

A consumer that dies takes everything that it had in hand one further towards the limit, the innocent with the guilty.
What reaches the limit of an internal queue therefore goes to the queue's quarantine, where each is tried by itself, as
often again; only what fails there, too, goes to the dead letters.
"""

NOTHING = "^$"


def quarantine_queue(queue: str) -> str:
    """Where what an internal queue passes on is tried by itself."""
    return f"quarantine.{queue}"


def inbox_queue(address: str) -> str:
    """The queue a participant reads; it is bound to the exchange ``inbox`` with the address itself as the key."""
    return f"inbox.{address}"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A durable exchange; ``type`` as AMQP has it."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A durable queue, its arguments, and the one binding it has."""

    name: str
    exchange: str
    routing_key: str = ""
    arguments: Mapping[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topology:
    """What is to be declared, in this order: exchanges, then queues, each bound as soon as it is there."""

    exchanges: tuple[Exchange, ...]
    queues: tuple[Queue, ...]


@dataclass(frozen=True, slots=True)
class Permissions:
    """What an account may do in the vhost, as RabbitMQ's regular expressions, which are not anchored by themselves."""

    configure: str
    write: str
    read: str


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How many bytes a queue may hold before it refuses more: an internal one, and a participant's inbox."""

    internal_bytes: int = 4 * 1024**3
    inbox_bytes: int = 256 * 1024**2


_ONE_AT_A_TIME: Mapping[str, str | int | bool] = {"x-single-active-consumer": True}

EXCHANGES = (
    Exchange(INGRESS, "topic"),
    Exchange(LEDGER, "fanout"),
    Exchange(DISPATCH, "fanout"),
    Exchange(REPORTS, "fanout"),
    Exchange(PARKING, "fanout"),
    Exchange(INBOX, "direct"),
    Exchange(QUARANTINE, "direct"),
    Exchange(DEAD_LETTERS, "fanout"),
    Exchange(SET_ASIDE, "fanout"),
)

SERVICE_PERMISSIONS: Mapping[str, Permissions] = {
    GATEWAY_ACCOUNT: Permissions(
        configure=NOTHING, write="^(ledger|dead-letters)$", read=r"^(ingress|quarantine\.ingress)$"
    ),
    LEDGER_ACCOUNT: Permissions(
        configure=NOTHING,
        write="^(ledger|dispatch|quarantine|dead-letters|set-aside)$",
        read=r"^(ledger|reports|quarantine\.ledger|quarantine\.reports|dead-letters)$",
    ),
    ROUTER_ACCOUNT: Permissions(
        configure=NOTHING,
        write="^(inbox|reports|parking|quarantine|dead-letters)$",
        read=r"^(dispatch|parking|quarantine\.dispatch)$",
    ),
}


def participant_permissions(address: str, *, active: bool = True) -> Permissions:
    """A participant writes to the ingress and reads its inbox; a disabled one still empties its inbox."""
    return Permissions(
        configure=NOTHING,
        write="^ingress$" if active else NOTHING,
        read=f"^{re.escape(inbox_queue(address))}$",
    )


def core_topology(broker_version: str, limits: QueueLimits) -> Topology:
    """Everything but the inboxes. ``broker_version`` as the broker reports it: ``3.10.8``."""
    unlimited = _never_dropped(broker_version)
    return Topology(
        exchanges=EXCHANGES,
        queues=(
            # What others pass on to comes first, so that none of them can lose a message to an exchange that leads
            # nowhere.
            Queue(SET_ASIDE, SET_ASIDE, arguments=unlimited),
            Queue(DEAD_LETTERS, DEAD_LETTERS, arguments=unlimited),
            # Without a limit in bytes, and that is meant: what lies here was accepted and has no other place. A parking
            # queue that refused would stop the router, and everyone's messages with it, for one recipient's sake.
            # One router sweeps at a time, or two would put each other's messages back for ever.
            Queue(PARKING, PARKING, arguments={**unlimited, **_ONE_AT_A_TIME}),
            *_hop(INGRESS, limits, routing_key="#"),
            *_hop(LEDGER, limits, _ONE_AT_A_TIME),
            *_hop(DISPATCH, limits),
            # Apart from the ledger queue: with both ways in one queue, a full ledger queue and a full dispatch queue
            # would wait for each other for ever. Taking a report calls for no dispatch, so reports always drain.
            *_hop(REPORTS, limits, _ONE_AT_A_TIME),
        ),
    )


def _hop(
    name: str, limits: QueueLimits, more: Mapping[str, str | int | bool] | None = None, routing_key: str = ""
) -> tuple[Queue, Queue]:
    """An internal queue and its quarantine, which comes first."""
    onward = {"x-dead-letter-exchange": QUARANTINE, "x-dead-letter-routing-key": name}
    guarded = {**_guarded(limits.internal_bytes), **(more or {})}
    return (
        Queue(quarantine_queue(name), QUARANTINE, routing_key=name, arguments=guarded),
        Queue(name, name, routing_key=routing_key, arguments={**guarded, **onward}),
    )


def inbox_topology(addresses: Iterable[str], limits: QueueLimits) -> Topology:
    """The inboxes of participants; the core is taken to be there."""
    arguments = _guarded(limits.inbox_bytes)
    queues = (Queue(inbox_queue(address), INBOX, routing_key=address, arguments=arguments) for address in addresses)
    return Topology(exchanges=(), queues=tuple(queues))


def _guarded(max_bytes: int) -> dict[str, str | int | bool]:
    """A quorum queue that refuses when full, and hands on to the dead letters, with confirms, what cannot be handled.

    At-least-once dead-lettering needs ``reject-publish``; with any other overflow it silently becomes at-most-once.
    """
    return {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD_LETTERS,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-max-length-bytes": max_bytes,
    }


def _never_dropped(broker_version: str) -> dict[str, str | int | bool]:
    """A quorum queue with no delivery limit.

    The only thing here that depends on the broker's version: 3.x has no limit unless one is set and refuses -1, while
    4.x has a limit of 20, after which it drops the message, unless -1 is set.
    """
    major = int(broker_version.partition(".")[0])
    arguments: dict[str, str | int | bool] = {"x-queue-type": "quorum"}
    return {**arguments, "x-delivery-limit": -1} if major >= 4 else arguments


async def declare(topology: Topology, channel: AbstractChannel) -> None:
    """Declare it all over an administrator's channel; what is there already with the same arguments stays as it is.

    Raises aio_pika.exceptions.ChannelPreconditionFailed when something is there with other arguments.
    """
    for exchange in topology.exchanges:
        await channel.declare_exchange(exchange.name, exchange.type, durable=True)
    for queue in topology.queues:
        declared = await channel.declare_queue(queue.name, durable=True, arguments=dict(queue.arguments))
        await declared.bind(queue.exchange, routing_key=queue.routing_key)
