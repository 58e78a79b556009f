"""Orders: reminders, the passing on of what lies at a retired address, and the closing of months.

An order says what is to be done now. Whether it still is, is decided here, under the lock of the log: whoever gives an
order twice, or late, does no harm.
"""

from typing import assert_never

from contracts.addresses import ancestors
from contracts.batch import ClosePeriod, Orders, PassOn, Remind
from contracts.reasons import reason_code
from contracts.reminders import ReminderStep
from services.ledger import duties, reminding
from services.ledger.draft import Draft, ImpossibleRecordError
from services.ledger.outbound import reminder
from services.ledger.records import Handover, MessageState, NewClosing
from services.ledger.transitions import OPEN, Event

BY_HAND = "by-hand"
PASSED_ON = "passed-on"


def take_orders(draft: Draft, orders: Orders) -> None:
    """Do what is still to be done of ``orders``. Raises ImpossibleRecordError for a query that is not on the ledger."""
    handover = draft.handover(orders.id)
    for order in orders.records:
        match order:
            case Remind():
                _remind(draft, handover, order, _query(draft, order))
            case PassOn():
                _pass_on(draft, handover, order, _query(draft, order))
            case ClosePeriod():
                _close(draft, order)
            case _:
                assert_never(order)


def _query(draft: Draft, order: Remind | PassOn) -> MessageState:
    query = draft.messages.get(order.id)
    if query is None:
        raise ImpossibleRecordError(f"an order about message {order.id}, which is not on the ledger")
    return query


def _remind(draft: Draft, handover: Handover, order: Remind, query: MessageState) -> None:
    if query.state not in OPEN:
        return
    if query.reminder_batch == handover.batch:
        # The batch is redelivered: its commit is there, its hand-over may not be. Or the order stands in it twice, and
        # no id may be handed over twice at a time.
        said, again = {message.id for message in handover.messages}, Handover(handover.batch)
        _say_again(draft, again, order, query)
        handover.messages += [message for message in again.messages if message.id not in said]
    elif order.by is not None:
        _remind_by_hand(draft, handover, order, query)
    else:
        _remind_by_policy(draft, handover, query)


def _remind_by_hand(draft: Draft, handover: Handover, order: Remind, query: MessageState) -> None:
    cooled_down = reminding.cooled_down(draft.setting, query)
    if cooled_down is not None and draft.setting.at < cooled_down:
        return
    said = {"step": BY_HAND, "by": order.by, "reason": reason_code(order.reason)}
    _record(draft, handover, query, Event.REMINDED, **said)
    query.remind_at = reminding.look_again_at(draft.setting, query)
    _say_by_hand(draft, handover, order, query)


def _remind_by_policy(draft: Draft, handover: Handover, query: MessageState) -> None:
    step = reminding.due_step(draft.setting, query)
    if step is not None:
        query.reminded = step.number
        said = {"step": step.name, "number": step.number}
        if step.escalation:
            _record(draft, handover, query, Event.ESCALATED, told=_next_above(draft, query), **said)
        else:
            _record(draft, handover, query, Event.REMINDED, **said)
        _say(draft, handover, query, step)
    query.remind_at = reminding.look_again_at(draft.setting, query)
    draft.decision.updated[query.id] = query


def _record(draft: Draft, handover: Handover, query: MessageState, event: Event, **said: object) -> None:
    draft.apply(query, event)
    if event is Event.REMINDED:
        query.reminded_at = draft.setting.at
    query.reminder_batch = handover.batch
    draft.append(event, query.id, duties.cohort_data(query, **said))


def _say(draft: Draft, handover: Handover, query: MessageState, step: ReminderStep) -> None:
    told = _next_above(draft, query) if step.escalation else query.recipient
    if told is not None:
        message = reminder(query, step=step.name, key=str(step.number), address=told, at=draft.setting.at)
        handover.messages.append(message)


def _say_by_hand(draft: Draft, handover: Handover, order: Remind, query: MessageState) -> None:
    said = {"reason": order.reason} if order.reason else {}
    key, told = str(handover.batch), query.recipient or query.address
    handover.messages.append(reminder(query, step=BY_HAND, key=key, address=told, at=draft.setting.at, **said))


def _say_again(draft: Draft, handover: Handover, order: Remind, query: MessageState) -> None:
    step = reminding.step_taken(draft.setting, query)
    if order.by is not None:
        _say_by_hand(draft, handover, order, query)
    elif step is not None:
        _say(draft, handover, query, step)


def _next_above(draft: Draft, query: MessageState) -> str | None:
    """The nearest participant above the one that has the query: the next jurisdiction up that can be told."""
    above = ancestors(query.recipient or query.address)[1:]
    return draft.setting.asked(above[0]) if above else None


def _pass_on(draft: Draft, handover: Handover, order: PassOn, query: MessageState) -> None:
    recipient = draft.setting.asked(order.successor)
    if query.reminder_batch == handover.batch and query.address == order.successor:
        _say_passed_on(draft, handover, query)
    elif query.state in OPEN and query.address == order.address and recipient is not None:
        duties.hand_on(draft, query, Event.PASSED_ON, order.successor, draft.setting.at)
        # The exchange has no payload to bring: it lies with the predecessor, whose place the successor takes.
        duties.begin(draft, query, order.successor, recipient)
        query.reminder_batch = handover.batch
        _say_passed_on(draft, handover, query)


def _say_passed_on(draft: Draft, handover: Handover, query: MessageState) -> None:
    told = query.recipient or query.address
    handover.messages.append(reminder(query, step=PASSED_ON, key=PASSED_ON, address=told, at=draft.setting.at))


def _close(draft: Draft, order: ClosePeriod) -> None:
    if draft.setting.calendar.months(order.period) != [order.period]:
        # A year's closed figures are the sums of its months', so that the two can never disagree.
        return
    cutoff = draft.setting.calendar.cutoff(order.period)
    closed_now = {closing.period for closing in draft.decision.closings}
    if order.period in draft.setting.closed or order.period in closed_now or draft.setting.at < cutoff:
        return
    data = {"period": order.period, "as_of": cutoff.isoformat(), "by": order.by}
    entry = draft.append(Event.CLOSED, None, data)
    draft.decision.closings.append(NewClosing(order.period, cutoff, order.by, draft.setting.at, entry.index))
