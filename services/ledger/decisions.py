"""What a batch amounts to, decided without I/O: from records and what is known of their messages to entries, states
and counters.

``decide`` is the middle of the ledger. It drops duplicates, does what replies say of their queries, applies the
transition table, appends entries, moves counters, and says what is handed on and which receipts are owed. The sequencer
loads what is needed before it and writes what comes of it, in one transaction.

    draft.py      the decision in the making: what every step goes through
    duties.py     begins and ends a recipient's time with a query, and counts it
    replies.py    answers, acknowledgements, extensions, forwards, withdrawals, ratings
    orders.py     reminders, passing on, closing of months
"""

import hmac
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import assert_never
from uuid import UUID

from contracts.addresses import tier
from contracts.batch import Admitted, ClosePeriod, Dispatched, Intake, LedgerBatch, Orders, Parked, Refused, Report
from contracts.problems import ProblemType
from services.ledger import duties
from services.ledger.draft import Draft, ImpossibleRecordError, commitment, is_waiting, numbered
from services.ledger.orders import take_orders
from services.ledger.outbound import outbound
from services.ledger.records import Decision, Handover, MessageState, NewRefusal
from services.ledger.replies import REPLIES, hand_over_again, take_reply
from services.ledger.setting import Setting
from services.ledger.transitions import Event


def wanted_ids(batches: Iterable[LedgerBatch]) -> set[UUID]:
    """The ids of the messages that ``decide`` has to know of before it can decide on ``batches``."""
    ids: set[UUID] = set()
    for batch in batches:
        for record in batch.records:
            if isinstance(record, Refused | ClosePeriod):
                continue
            ids.add(record.id)
            if isinstance(record, Admitted) and record.correlation_id is not None:
                ids.add(record.correlation_id)
    return ids


def closes(batches: Iterable[LedgerBatch]) -> bool:
    """Whether ``decide`` has to know which months are closed before it can decide on ``batches``."""
    return any(isinstance(record, ClosePeriod) for batch in batches for record in batch.records)


def decide(batches: Sequence[LedgerBatch], known: Mapping[UUID, MessageState], setting: Setting) -> Decision:
    """What ``batches``, in this order, amount to. ``known`` holds what the ledger has of ``wanted_ids``, and is
    changed in place.

    Raises ImpossibleRecordError for a record that contradicts the ledger.
    """
    draft = Draft(dict(known), setting)
    for batch in batches:
        match batch:
            case Intake():
                _take_intake(draft, batch)
            case Report():
                _take_report(draft, batch)
            case Orders():
                take_orders(draft, batch)
            case _:
                assert_never(batch)
    return draft.decision


def append_refusals(decision: Decision, recorded: Collection[UUID], setting: Setting) -> list[NewRefusal]:
    """Append an entry for each refusal of ``decision`` that is not yet ``recorded``, and say what to record.

    They come last: they change no state, and only here it is known which of them came again.
    """
    draft = Draft({}, setting)
    draft.decision = decision
    appended = []
    for record in decision.refused.values():
        if record.id in recorded:
            continue
        said = {"refusal": str(record.id), "problem": record.problem, "sender": record.sender, "type": record.type}
        entry = draft.append(Event.REFUSED, record.message_id, said | numbered(record))
        appended.append(NewRefusal(record, setting.at, entry.index))
    return appended


def _take_intake(draft: Draft, batch: Intake) -> None:
    handover = draft.handover(batch.id)
    seen: set[UUID] = set()
    for record in batch.records:
        if isinstance(record, Refused):
            draft.refuse(handover, record)
        elif record.id in draft.messages:
            _take_again(draft, handover, record, first_in_batch=record.id not in seen)
        elif record.type in REPLIES:
            take_reply(draft, handover, record)
        else:
            _take_new(draft, handover, record)
        seen.add(record.id)


def _take_again(draft: Draft, handover: Handover, record: Admitted, *, first_in_batch: bool) -> None:
    message = draft.messages[record.id]
    if message.salt is None or not hmac.compare_digest(commitment(message.salt, record.digest), message.commitment):
        detail = "this id was used for another content" if message.salt else "this id was used long ago"
        draft.refuse_admitted(handover, record, ProblemType.ID_REUSED, f"{detail}; use a new id")
    elif message.batch == handover.batch and first_in_batch:
        # The batch is redelivered: its commit is there, its hand-over may not be.
        handover.receipt(record.sender).accepted.append((message.id, message.accepted_entry))
        if is_waiting(message):
            handover.messages.append(outbound(record, message))
        if record.correlation_id is not None:
            hand_over_again(handover, record, draft.messages.get(record.correlation_id))
    else:
        # The first copy is still in custody: this one goes no further.
        handover.receipt(record.sender).duplicate.append(record.id)


def _take_new(draft: Draft, handover: Handover, record: Admitted) -> None:
    if record.address is None or record.kind is None:
        raise ImpossibleRecordError(f"a {record.type} without address or kind was admitted: {record.id}")
    origin, address = record.origin, record.address
    draft.accept(handover, record, origin=origin, address=address, kind=record.kind, tier=tier(origin, address))


def _take_report(draft: Draft, batch: Report) -> None:
    for record in batch.records:
        message = draft.messages.get(record.id)
        if message is None:
            raise ImpossibleRecordError(f"a report on message {record.id}, which is not on the ledger")
        if record.duty != message.duty:
            # It is about a recipient that has handed the query on since.
            continue
        match record:
            case Dispatched():
                duties.begin(draft, message, record.address, record.recipient)
            case Parked():
                _park(draft, message, record.reason)
            case _:
                assert_never(record)


def _park(draft: Draft, message: MessageState, reason: str) -> None:
    if message.parked_reason == reason or not draft.apply(message, Event.PARKED):
        return
    message.parked_reason = reason
    draft.append(Event.PARKED, message.id, {"reason": reason})
