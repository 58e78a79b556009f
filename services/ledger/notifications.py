"""What people outside the exchange are told of reminders and escalations: what a commit recorded, and no more.

No payload, and nothing of a person: ids, addresses, kind, step and dates. Source: the entries themselves.
"""

from datetime import date, datetime
from uuid import UUID

import msgspec

from services.ledger.records import Decision, NewEntry
from services.ledger.transitions import Event

_TOLD_OF = frozenset({Event.REMINDED, Event.ESCALATED})


class Notification(msgspec.Struct, frozen=True):
    """A reminder or escalation that is on the ledger as ``entry``. ``told`` is who finds it in the inbox, None where
    nobody is above.
    """

    event: str
    entry: int
    at: datetime
    query: UUID
    step: str
    kind: str | None
    asked_by: str
    address: str
    told: str | None
    due: date | None


def notifications(decision: Decision) -> list[Notification]:
    """What there is to tell of a commit. A batch that is redelivered records nothing again, and is not told again."""
    return [_notification(decision, entry, id) for entry, id in _reminders(decision)]


def _reminders(decision: Decision) -> list[tuple[NewEntry, UUID]]:
    return [(one, one.message_id) for one in decision.entries if one.event in _TOLD_OF and one.message_id is not None]


def _notification(decision: Decision, entry: NewEntry, id: UUID) -> Notification:
    # A query may be let in, received and reminded of in one commit.
    query = decision.updated.get(id) or decision.inserted[id]
    return Notification(
        event=entry.event.value,
        entry=entry.index,
        at=entry.at,
        query=id,
        step=entry.data["step"],
        kind=query.kind,
        asked_by=query.origin,
        address=entry.data["address"],
        told=entry.data.get("told") if entry.event is Event.ESCALATED else query.recipient,
        due=query.due,
    )
