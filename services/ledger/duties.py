"""Duties: a recipient's time with a query, from its `dispatched` entry until it is answered, withdrawn or handed on.

Every duty is counted once, in the cohorts of the address it is at and of the query's sender; these functions are the
only ones that move counters, each with the entry that says so.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.addresses import tier
from contracts.envelope import SUBSTANTIVE
from services.ledger import reminding
from services.ledger.draft import Draft, is_query
from services.ledger.records import CohortKey, CohortMove, MessageState, PastDuty
from services.ledger.transitions import OPEN, Event


def begin(draft: Draft, message: MessageState, address: str, recipient: str) -> None:
    """``message`` is in the inbox of ``recipient``. Does nothing where it was there already, or is over."""
    if not draft.apply(message, Event.DISPATCHED):
        return
    message.address = address
    message.recipient = recipient
    message.parked_reason = None
    message.tier = tier(message.origin, address)
    message.dispatched_at = draft.setting.at
    message.period = draft.setting.calendar.period_of(draft.setting.at)
    move = _move(message, received=1, unanswered=1) if is_query(message) else None
    draft.append(Event.DISPATCHED, message.id, cohort_data(message, recipient=recipient), move)
    if is_query(message):
        reminding.begin(draft.setting, message)


def answer(draft: Draft, query: MessageState, answer_id: UUID, outcome: str, arrived_at: datetime) -> None:
    """The duty is done, and the query closed."""
    draft.apply(query, Event.ANSWERED)
    query.closed_at = draft.setting.at
    query.remind_at = None
    # What counts is when the exchange had the answer in its hands, not when its own ledger got to it.
    day = draft.setting.calendar.local_date(arrived_at)
    query.on_time = query.due is None or day <= query.due
    query.on_time_original = query.original_due is None or day <= query.original_due
    substantive = outcome in SUBSTANTIVE
    said = {"answer": str(answer_id), "outcome": outcome, "reason": query.reason_code}
    judged = {
        "on_time": query.on_time,
        "on_time_original": query.on_time_original,
        "substantive": substantive,
    }
    move = _move(query, answered=1, unanswered=-1, **{name: 1 for name, value in judged.items() if value})
    draft.append(Event.ANSWERED, query.id, cohort_data(query, **said, **judged), move)


def withdraw(draft: Draft, query: MessageState, **said: Any) -> None:
    """The query is closed by its asker. Where nobody had received it yet, nobody's figures move."""
    owed = query.state in OPEN
    draft.apply(query, Event.WITHDRAWN)
    query.closed_at = draft.setting.at
    query.remind_at = None
    query.parked_reason = None
    if owed:
        draft.append(Event.WITHDRAWN, query.id, cohort_data(query, **said), _move(query, withdrawn=1, unanswered=-1))
    else:
        draft.append(Event.WITHDRAWN, query.id, said)


def hand_on(draft: Draft, query: MessageState, event: Event, address: str, taken_at: datetime, **said: Any) -> None:
    """The duty ends, and the query is on its way to ``address``, where another one begins."""
    if query.recipient is None or query.dispatched_at is None:
        raise AssertionError("only what somebody has received can be handed on")
    draft.apply(query, event)
    data = cohort_data(query, by=query.recipient, to=address, **said)
    draft.append(event, query.id, data, _move(query, forwarded=1, unanswered=-1))
    draft.decision.past_duties.append(_past(draft, query, query.recipient, query.dispatched_at))
    query.holders = [*query.holders, query.recipient]
    query.duty += 1
    query.forwards += int(event is Event.FORWARDED)
    query.address = address
    query.tier = tier(query.origin, address)
    query.taken_at = taken_at
    query.recipient = query.dispatched_at = query.acknowledged_at = query.period = None
    query.proposed_due = query.remind_at = query.reminded_at = None
    query.reminded = 0


def cohort_data(message: MessageState, **more: Any) -> dict[str, Any]:
    """An entry's data about a duty: which cohort it belongs to, and more."""
    return {
        "type": str(message.type),
        "from": message.origin,
        "address": message.address,
        "tier": message.tier,
        "kind": message.kind,
        "period": message.period,
        "duty": message.duty,
        **more,
    }


def _move(query: MessageState, **by: int) -> CohortMove:
    """``by`` in the two cohorts that the present duty belongs to."""
    kind, period = query.kind or "", query.period or ""
    recipient = CohortKey("recipient", query.address, query.tier, kind, period)
    return CohortMove(recipient, CohortKey("sender", query.origin, query.tier, kind, period), by)


def _past(draft: Draft, query: MessageState, recipient: str, received_at: datetime) -> PastDuty:
    return PastDuty(
        query_id=query.id,
        number=query.duty,
        sender=query.sender,
        origin=query.origin,
        address=query.address,
        recipient=recipient,
        tier=query.tier,
        kind=query.kind or "",
        period=query.period or "",
        due=query.due,
        original_due=query.original_due,
        taken_at=query.taken_at,
        received_at=received_at,
        acknowledged_at=query.acknowledged_at,
        ended_at=draft.setting.at,
    )
