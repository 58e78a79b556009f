"""What chaos does to whom, as data: the faults, how long each lasts, and which of them a target may meet."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """One way of doing harm. All but the first two are a server's."""

    KILL = "kill -9"
    PAUSE = "paused beyond its heartbeat"
    STOP_APP = "rabbitmqctl stop_app"
    CONSUMER = "consumer deleted"
    MEMORY = "memory alarm"
    IMMEDIATE = "immediate stop"
    BACKEND = "kill -9 of a backend"
    LOW_DISK = "disk alarm"
    DISK = "disk full to the last byte"


@dataclass(frozen=True, slots=True)
class Nature:
    """A fault lasts ``shortest`` to ``longest`` seconds, and ``heartbeats`` as many heartbeats more.

    For ``recovery`` seconds after it the target is left alone, to come back.
    """

    fault: Fault
    shortest: float = 0.0
    longest: float = 0.0
    recovery: float = 3.0
    heartbeats: float = 0.0


# A silent peer is given up after two to three heartbeats, by the broker as by its clients.
_PAUSE = Nature(Fault.PAUSE, 1, 5, recovery=4, heartbeats=2.2)
_OF_A_SERVICE = (Nature(Fault.KILL, 0.5, 4, recovery=5), Nature(Fault.KILL, 0.5, 4, recovery=5), _PAUSE)
# The broker's disk is never filled to the last byte: the limit at which it stops taking messages is there because its
# quorum queues do not survive that. With RabbitMQ 3.10.8 a queue's log was left unreadable by it.
_OF_THE_BROKER = (
    Nature(Fault.KILL, 0.5, 4, recovery=22),
    _PAUSE,
    Nature(Fault.STOP_APP, 1, 6, recovery=12),
    Nature(Fault.CONSUMER),
    Nature(Fault.CONSUMER),
    Nature(Fault.MEMORY, 3, 8, recovery=4),
    Nature(Fault.LOW_DISK, 3, 8, recovery=4),
)
_OF_THE_DATABASE = (
    Nature(Fault.IMMEDIATE, 1, 6, recovery=6),
    Nature(Fault.BACKEND, recovery=5),
    Nature(Fault.DISK, 3, 8, recovery=8),
)

SERVICES = ("gateway", "gateway-2", "router", "router-2", "ledger", "ledger-2")
BROKER, DATABASE = "broker", "database"

TARGETS: Mapping[str, tuple[Nature, ...]] = {
    **dict.fromkeys(SERVICES, _OF_A_SERVICE),
    BROKER: _OF_THE_BROKER,
    DATABASE: _OF_THE_DATABASE,
}
"""What each target may meet; a fault that stands twice comes twice as often."""

CONSUMED = ("ingress", "ledger", "dispatch", "reports")
"""Queues of whose consumers one is deleted."""
