"""Custody time: who had a message, and for how long, so that lateness is charged to whoever had it.

    exchange                  from the message's arrival until it is in the recipient's inbox
    before-acknowledgement    from then until the recipient acknowledges it, or is done with it
    after-acknowledgement     from then until the recipient is done with it

A recipient is done when what it says arrives at the exchange, not when the ledger gets to it. The stretches of a
message follow on each other without gap or overlap; a reply that overtook the report of its query's delivery leaves
the recipient a stretch of no length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

EXCHANGE = "exchange"


class Stage(StrEnum):
    """Where in a duty a message lies."""

    EXCHANGE = "exchange"
    BEFORE_ACKNOWLEDGEMENT = "before-acknowledgement"
    AFTER_ACKNOWLEDGEMENT = "after-acknowledgement"


@dataclass(frozen=True, slots=True)
class Custody:
    """One stretch. ``holder`` is a participant or ``EXCHANGE``; ``until`` is None while it lasts."""

    holder: str
    stage: Stage
    since: datetime
    until: datetime | None

    def seconds(self, now: datetime) -> float:
        """How long it lasted, or has lasted at ``now``."""
        return max(0.0, ((self.until or now) - self.since).total_seconds())


@dataclass(frozen=True, slots=True)
class Held:
    """A recipient's time with a message. ``received_at`` is None while the message is on its way to it; ``ended_at`` is
    when what ended it arrived, None while it lasts, or where the next duty says so.
    """

    recipient: str | None
    taken_at: datetime
    received_at: datetime | None
    acknowledged_at: datetime | None
    ended_at: datetime | None


def stretches(duties: Sequence[Held]) -> list[Custody]:
    """The stretches of a message, in order, from its duties, in order; the last one may not be over.

    A duty that was handed on ends when the one after it was taken in hand.
    """
    found: list[Custody] = []
    ends = [following.taken_at for _, following in pairwise(duties)]
    for index, duty in enumerate(duties):
        until = ends[index] if index < len(ends) else duty.ended_at
        begun = found[-1].until if found else None
        found += _of_duty(duty, begun or duty.taken_at, until)
    return found


def _of_duty(duty: Held, since: datetime, until: datetime | None) -> Iterator[Custody]:
    if duty.received_at is None or duty.recipient is None:
        yield Custody(EXCHANGE, Stage.EXCHANGE, since, _not_before(since, until))
        return
    received = max(since, duty.received_at)
    done = _not_before(received, until)
    yield Custody(EXCHANGE, Stage.EXCHANGE, since, received)
    if duty.acknowledged_at is None:
        yield Custody(duty.recipient, Stage.BEFORE_ACKNOWLEDGEMENT, received, done)
        return
    acknowledged = max(received, duty.acknowledged_at)
    yield Custody(duty.recipient, Stage.BEFORE_ACKNOWLEDGEMENT, received, acknowledged)
    yield Custody(duty.recipient, Stage.AFTER_ACKNOWLEDGEMENT, acknowledged, _not_before(acknowledged, done))


def _not_before(earliest: datetime, moment: datetime | None) -> datetime | None:
    return None if moment is None else max(earliest, moment)
