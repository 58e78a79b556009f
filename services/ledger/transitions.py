"""The life of a message: its states, what happens to it, and the one table of what leads where.

State is what the entries say (design section 2.4): each applied event is an entry on the ledger.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a message stands. A query is *unanswered* exactly while it is ``dispatched``."""

    ACCEPTED = "accepted"
    PARKED = "parked"
    DISPATCHED = "dispatched"
    ANSWERED = "answered"


class Event(StrEnum):
    """What an entry records. ``refused`` concerns a message that has no state: it was not let in."""

    ACCEPTED = "accepted"
    PARKED = "parked"
    DISPATCHED = "dispatched"
    ANSWERED = "answered"
    REFUSED = "refused"


TRANSITIONS: dict[tuple[State | None, Event], State] = {
    (None, Event.ACCEPTED): State.ACCEPTED,
    (State.ACCEPTED, Event.PARKED): State.PARKED,
    (State.ACCEPTED, Event.DISPATCHED): State.DISPATCHED,
    (State.PARKED, Event.PARKED): State.PARKED,
    (State.PARKED, Event.DISPATCHED): State.DISPATCHED,
    (State.DISPATCHED, Event.ANSWERED): State.ANSWERED,
}
"""Every transition there is. What is not here does not happen: a report that comes again changes nothing."""

CLOSED = frozenset({State.ANSWERED})
"""States in which a query waits for nothing more."""


def following(state: State | None, event: Event) -> State | None:
    """The state that ``event`` leads to from ``state``, or None where the table has no such edge."""
    return TRANSITIONS.get((state, event))
