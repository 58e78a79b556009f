"""The life of a message: its states, what happens to it, and the one table of what leads where.

State is what the entries say (design section 2.4): each applied event is an entry on the ledger.
"""

from enum import StrEnum


class State(StrEnum):
    """Where a message stands. A query is *unanswered* exactly while its state is among ``OPEN``."""

    ACCEPTED = "accepted"
    PARKED = "parked"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    PARTLY_ANSWERED = "partly-answered"
    FORWARDED = "forwarded"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What an entry records. ``refused`` concerns a message that has no state: it was not let in; ``closed`` concerns
    a statistical period.
    """

    ACCEPTED = "accepted"
    PARKED = "parked"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    EXTENSION_ASKED = "extension-asked"
    EXTENDED = "extended"
    EXTENSION_REFUSED = "extension-refused"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    PARTLY_ANSWERED = "partly-answered"
    ANSWERED = "answered"
    RATED = "rated"
    FORWARDED = "forwarded"
    PASSED_ON = "passed-on"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    CLOSED = "closed"


OPEN = frozenset({State.DISPATCHED, State.ACKNOWLEDGED, State.PARTLY_ANSWERED})
"""States in which a recipient owes the answer to a query that it has received."""

UNDERWAY = frozenset({State.ACCEPTED, State.PARKED, State.FORWARDED})
"""States in which a message is on its way to a recipient."""

CLOSED = frozenset({State.ANSWERED, State.WITHDRAWN})
"""States in which a query waits for nothing more."""

WITHOUT_MOVING = (
    Event.EXTENSION_ASKED,
    Event.EXTENDED,
    Event.EXTENSION_REFUSED,
    Event.REMINDED,
    Event.ESCALATED,
)
"""What happens to an open query and leaves it where it stands."""

TRANSITIONS: dict[tuple[State | None, Event], State] = {
    (None, Event.ACCEPTED): State.ACCEPTED,
    (State.ACCEPTED, Event.PARKED): State.PARKED,
    (State.PARKED, Event.PARKED): State.PARKED,
    (State.FORWARDED, Event.PARKED): State.PARKED,
    **{(state, Event.DISPATCHED): State.DISPATCHED for state in UNDERWAY},
    (State.DISPATCHED, Event.ACKNOWLEDGED): State.ACKNOWLEDGED,
    (State.DISPATCHED, Event.PARTLY_ANSWERED): State.PARTLY_ANSWERED,
    (State.ACKNOWLEDGED, Event.PARTLY_ANSWERED): State.PARTLY_ANSWERED,
    **{(state, event): state for state in OPEN for event in WITHOUT_MOVING},
    **{(state, Event.ANSWERED): State.ANSWERED for state in OPEN},
    **{(state, Event.FORWARDED): State.FORWARDED for state in OPEN},
    **{(state, Event.PASSED_ON): State.FORWARDED for state in OPEN},
    **{(state, Event.WITHDRAWN): State.WITHDRAWN for state in OPEN | UNDERWAY},
    (State.ANSWERED, Event.RATED): State.ANSWERED,
}
"""Every transition there is. What is not here does not happen: a report that comes again changes nothing."""


def following(state: State | None, event: Event) -> State | None:
    """The state that ``event`` leads to from ``state``, or None where the table has no such edge."""
    return TRANSITIONS.get((state, event))
