"""What may be said about a query, by whom and when, and what comes of it.

    by its recipient    acknowledgement, extension, forward, answer
    by its asker        extension (the reply to one), withdrawal, rating

Each is a message of its own that goes to the other party. What the recipient says implies that it has received the
query: it may overtake the router's report of that, and then both are recorded, in order.
"""

from collections.abc import Callable
from datetime import timedelta

from contracts.batch import Admitted
from contracts.envelope import ExtensionReply, MessageType, Outcome
from contracts.problems import ProblemType
from contracts.reasons import reason_code
from services.ledger import duties, reminding
from services.ledger.draft import Draft, ImpossibleRecordError, is_query
from services.ledger.outbound import forwarded
from services.ledger.records import Handover, MessageState
from services.ledger.transitions import CLOSED, OPEN, Event, State

MOST_FORWARDS = 3
LONGEST_EXTENSION = timedelta(days=366)
"""How far ahead, from the day on which it is asked for, more time may reach."""

Objection = tuple[ProblemType, str]


def take_reply(draft: Draft, handover: Handover, record: Admitted) -> None:
    """Let ``record`` in and do what it says, or refuse it."""
    query = draft.messages.get(record.correlation_id) if record.correlation_id else None
    objection = _objection(draft, record, query)
    if objection is not None:
        draft.refuse_admitted(handover, record, *objection)
    elif query is not None:
        _let_in(draft, handover, record, query)


def hand_over_again(handover: Handover, record: Admitted, query: MessageState | None) -> None:
    """A forward comes again in the batch that recorded it: the query may not have been handed over yet."""
    if query is not None and query.state is State.FORWARDED and query.forward_id == record.id:
        handover.messages.append(forwarded(record, query))


def _objection(draft: Draft, record: Admitted, query: MessageState | None) -> Objection | None:
    if query is None or not is_query(query):
        return ProblemType.UNKNOWN_QUERY, f"there is no query {record.correlation_id}; check correlation_id"
    return _party(draft, record, query) or _OBJECTIONS[MessageType(record.type)](draft, record, query)


def _party(draft: Draft, record: Admitted, query: MessageState) -> Objection | None:
    if _is_askers(record):
        if record.sender != query.sender:
            return ProblemType.NOT_ASKER, f"query {query.id} was not asked by {record.sender}"
    elif record.sender != draft.holder(query):
        handed_on = " any more; it was handed on" if record.sender in query.holders else ""
        return ProblemType.NOT_ASKED, f"query {query.id} is not addressed to {record.sender}{handed_on}"
    return None


def _is_askers(record: Admitted) -> bool:
    """Whether a message is the asker's to send. An extension is asked for by one party and replied to by the other."""
    is_reply = record.type == MessageType.EXTENSION and record.outcome is not None
    return is_reply or record.type in (MessageType.WITHDRAWAL, MessageType.RATING)


def _against_closed(_draft: Draft, _record: Admitted, query: MessageState) -> Objection | None:
    if query.state in CLOSED:
        return ProblemType.QUERY_CLOSED, f"query {query.id} is {query.state} already"
    return None


def _against_acknowledgement(draft: Draft, record: Admitted, query: MessageState) -> Objection | None:
    if query.acknowledged_at is not None or query.state is State.PARTLY_ANSWERED:
        return ProblemType.ALREADY_ACKNOWLEDGED, f"query {query.id} is {query.state} already"
    return _against_closed(draft, record, query)


def _against_extension(draft: Draft, record: Admitted, query: MessageState) -> Objection | None:
    if query.state in CLOSED:
        return _against_closed(draft, record, query)
    return _against_date(draft, record, query) if record.outcome is None else _against_reply(query)


def _against_reply(query: MessageState) -> Objection | None:
    if query.proposed_due is None:
        return ProblemType.NO_EXTENSION_ASKED, f"nobody asks for more time for query {query.id}"
    return None


def _against_date(draft: Draft, record: Admitted, query: MessageState) -> Objection | None:
    if record.due is None:
        return ProblemType.MISSING_DUE, "give the later date as due"
    if query.due is None or record.due <= query.due:
        return ProblemType.DUE_NOT_LATER, f"due {record.due} is not later than {query.due}, which holds"
    today = draft.setting.calendar.local_date(record.arrived_at)
    if record.due > today + LONGEST_EXTENSION:
        return (
            ProblemType.DUE_TOO_LATE,
            f"due {record.due} is later than {today + LONGEST_EXTENSION}, which is the latest",
        )
    if record.due < today:
        return ProblemType.DUE_IN_THE_PAST, f"due {record.due} has passed; today is {today}"
    return None


def _against_forward(draft: Draft, record: Admitted, query: MessageState) -> Objection | None:
    if query.state in CLOSED:
        return _against_closed(draft, record, query)
    if record.address is None:
        return ProblemType.MISSING_ADDRESS, "give the address that should answer as to"
    if query.forwards >= MOST_FORWARDS:
        return ProblemType.TOO_MANY_FORWARDS, f"query {query.id} was forwarded {query.forwards} times; answer it"
    next_holder = draft.setting.asked(record.address)
    if next_holder in (*query.holders, draft.holder(query), query.sender):
        return (
            ProblemType.FORWARD_LOOP,
            f"{record.address} leads to {next_holder}, which asked query {query.id} or had it before",
        )
    return None


def _against_rating(_draft: Draft, _record: Admitted, query: MessageState) -> Objection | None:
    if query.state is not State.ANSWERED:
        return ProblemType.NOT_ANSWERED, f"query {query.id} is {query.state}; there is no answer to rate"
    if query.timely is not None:
        return ProblemType.ALREADY_RATED, f"the answer to query {query.id} is rated already"
    return None


def _let_in(draft: Draft, handover: Handover, record: Admitted, query: MessageState) -> None:
    askers = _is_askers(record)
    address, stands_for = (query.address, query.origin) if askers else (query.origin, query.address)
    origin = stands_for if record.origin == record.sender else record.origin
    reply = draft.accept(handover, record, origin=origin, address=address, kind=query.kind, tier=query.tier)
    if not askers:
        duties.begin(draft, query, query.address, record.sender)
    _EFFECTS[reply.type](draft, handover, record, query)


def _acknowledge(draft: Draft, _handover: Handover, record: Admitted, query: MessageState) -> None:
    draft.apply(query, Event.ACKNOWLEDGED)
    query.acknowledged_at = record.arrived_at
    said = {"acknowledgement": str(record.id), "arrived_at": record.arrived_at.isoformat()}
    draft.append(Event.ACKNOWLEDGED, query.id, duties.cohort_data(query, **said))


def _answer(draft: Draft, _handover: Handover, record: Admitted, query: MessageState) -> None:
    partial_before = query.state is State.PARTLY_ANSWERED
    query.outcome = record.outcome
    query.answer_id = record.id
    query.reason_code = reason_code(record.reason)
    if record.outcome == Outcome.PARTIAL and not partial_before:
        draft.apply(query, Event.PARTLY_ANSWERED)
        said = {"answer": str(record.id), "reason": query.reason_code}
        draft.append(Event.PARTLY_ANSWERED, query.id, duties.cohort_data(query, **said))
    else:
        duties.answer(draft, query, record.id, record.outcome or "", record.arrived_at)


def _extend(draft: Draft, _handover: Handover, record: Admitted, query: MessageState) -> None:
    said: dict[str, str | None] = {"extension": str(record.id), "reason": reason_code(record.reason)}
    if record.outcome is None:
        event, query.proposed_due = Event.EXTENSION_ASKED, record.due
        said["due"] = str(query.proposed_due)
    elif record.outcome == ExtensionReply.ACCEPTED:
        event, query.due, query.proposed_due = Event.EXTENDED, query.proposed_due, None
        said["due"] = str(query.due)
    else:
        event, query.proposed_due = Event.EXTENSION_REFUSED, None
    draft.apply(query, event)
    draft.append(event, query.id, duties.cohort_data(query, **said))
    if event is Event.EXTENDED and query.state in OPEN:
        reminding.begin(draft.setting, query)


def _forward(draft: Draft, handover: Handover, record: Admitted, query: MessageState) -> None:
    if record.address is None:
        raise ImpossibleRecordError(f"a forward without an address was let in: {record.id}")
    said = {"forward": str(record.id), "reason": reason_code(record.reason)}
    duties.hand_on(draft, query, Event.FORWARDED, record.address, record.arrived_at, **said)
    query.forward_id = record.id
    handover.messages.append(forwarded(record, query))


def _withdraw(draft: Draft, _handover: Handover, record: Admitted, query: MessageState) -> None:
    duties.withdraw(draft, query, withdrawal=str(record.id), reason=reason_code(record.reason))


def _rate(draft: Draft, _handover: Handover, record: Admitted, query: MessageState) -> None:
    draft.apply(query, Event.RATED)
    query.timely, query.useful = record.timely, record.useful
    said = {"rating": str(record.id), "timely": record.timely, "useful": record.useful}
    draft.append(Event.RATED, query.id, duties.cohort_data(query, **said))


_OBJECTIONS: dict[MessageType, Callable[[Draft, Admitted, MessageState], Objection | None]] = {
    MessageType.ANSWER: _against_closed,
    MessageType.ACKNOWLEDGEMENT: _against_acknowledgement,
    MessageType.EXTENSION: _against_extension,
    MessageType.FORWARD: _against_forward,
    MessageType.WITHDRAWAL: _against_closed,
    MessageType.RATING: _against_rating,
}
_EFFECTS: dict[MessageType, Callable[[Draft, Handover, Admitted, MessageState], None]] = {
    MessageType.ANSWER: _answer,
    MessageType.ACKNOWLEDGEMENT: _acknowledge,
    MessageType.EXTENSION: _extend,
    MessageType.FORWARD: _forward,
    MessageType.WITHDRAWAL: _withdraw,
    MessageType.RATING: _rate,
}
REPLIES = frozenset(_EFFECTS)
"""The types of messages that are about a query."""
