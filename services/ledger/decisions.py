"""What a batch amounts to, decided without I/O: from records and what is known of their messages to entries, states
and counters.

``decide`` is the middle of the ledger. It drops duplicates, matches answers to their queries, applies the transition
table, appends entries, moves counters, and says what is handed on and which receipts are owed. The sequencer loads
what is needed before it and writes what comes of it, in one transaction.
"""

import hashlib
import hmac
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, assert_never
from uuid import UUID

from contracts.addresses import tier
from contracts.batch import Admitted, Dispatched, Intake, Outbound, Parked, Refused, Report
from contracts.envelope import MessageType
from contracts.period import Calendar
from contracts.problems import ProblemType
from services.ledger.records import CohortKey, Decision, Handover, MessageState, Move, NewEntry, NewRefusal
from services.ledger.transitions import CLOSED, TRANSITIONS, Event, State, following

LEDGER_DOOR = "ledger"
"""The door of a refusal that only the ledger could see, whichever way the message came."""

_REFUSAL_NAMESPACE = UUID("5c8f6d0e-6f0b-5d3b-9a51-6d0a3d9d9f3c")


class ImpossibleRecordError(ValueError):
    """A record that contradicts the ledger, for instance a report on a message that was never accepted."""


@dataclass(frozen=True, slots=True)
class Setting:
    """In which a decision is taken. ``asked`` names the participant that an address leads to, None if there is none."""

    at: datetime
    size: int
    calendar: Calendar
    asked: Callable[[str], str | None]
    new_salt: Callable[[], bytes]


def wanted_ids(batches: Iterable[Intake | Report]) -> set[UUID]:
    """The ids of the messages that ``decide`` has to know of before it can decide on ``batches``."""
    ids: set[UUID] = set()
    for batch in batches:
        for record in batch.records:
            if isinstance(record, Refused):
                continue
            ids.add(record.id)
            if isinstance(record, Admitted) and record.correlation_id is not None:
                ids.add(record.correlation_id)
    return ids


def decide(batches: Sequence[Intake | Report], known: Mapping[UUID, MessageState], setting: Setting) -> Decision:
    """What ``batches``, in this order, amount to. ``known`` holds what the ledger has of ``wanted_ids``, and is
    changed in place.

    Raises ImpossibleRecordError for a record that contradicts the ledger.
    """
    deciding = _Deciding(dict(known), setting)
    for batch in batches:
        match batch:
            case Intake():
                deciding.take_intake(batch)
            case Report():
                deciding.take_report(batch)
            case _:
                assert_never(batch)
    return deciding.decision


def append_refusals(decision: Decision, recorded: Collection[UUID], setting: Setting) -> list[NewRefusal]:
    """Append an entry for each refusal of ``decision`` that is not yet ``recorded``, and say what to record.

    They come last: they change no state, and only here it is known which of them came again.
    """
    appended = []
    for record in decision.refused.values():
        if record.id in recorded:
            continue
        data = {"refusal": str(record.id), "problem": record.problem, "sender": record.sender, "type": record.type}
        entry = _append(decision, setting, Event.REFUSED, record.message_id, data)
        appended.append(NewRefusal(record, setting.at, entry.index))
    return appended


def commitment(salt: bytes, digest: bytes) -> bytes:
    """What the ledger keeps of a message's content: of no use to anyone once the salt is gone."""
    return hmac.digest(salt, digest, hashlib.sha256)


def refusal_id(sender: str, message_id: UUID, digest: bytes, problem: ProblemType) -> UUID:
    """The id of a refusal: the same for the same message refused again for the same reason, so that it is counted
    once.
    """
    return uuid.uuid5(_REFUSAL_NAMESPACE, f"{sender} {message_id} {digest.hex()} {problem.slug}")


def _append(
    decision: Decision, setting: Setting, event: Event, message_id: UUID | None, data: Mapping[str, Any]
) -> NewEntry:
    entry = NewEntry(setting.size + len(decision.entries), setting.at, event, message_id, data)
    decision.entries.append(entry)
    return entry


class _Deciding:
    """One run of ``decide``: the messages as they stand after each record, and the decision so far."""

    def __init__(self, messages: dict[UUID, MessageState], setting: Setting) -> None:
        self.messages = messages
        self.setting = setting
        self.decision = Decision()

    def take_intake(self, batch: Intake) -> None:
        handover = Handover(batch.id)
        self.decision.handovers.append(handover)
        seen: set[UUID] = set()
        for record in batch.records:
            if isinstance(record, Refused):
                self._refuse(handover, record)
            elif record.id in self.messages:
                self._take_again(handover, record, first_in_batch=record.id not in seen)
            elif record.type == MessageType.ANSWER:
                self._take_answer(handover, record)
            else:
                self._take_new(handover, record)
            seen.add(record.id)

    def take_report(self, batch: Report) -> None:
        for record in batch.records:
            message = self.messages.get(record.id)
            if message is None:
                raise ImpossibleRecordError(f"a report on message {record.id}, which is not on the ledger")
            match record:
                case Dispatched():
                    self._dispatch(message, record.address, record.recipient)
                case Parked():
                    self._park(message, record.reason)
                case _:
                    assert_never(record)

    def _take_again(self, handover: Handover, record: Admitted, *, first_in_batch: bool) -> None:
        message = self.messages[record.id]
        if not hmac.compare_digest(commitment(message.salt, record.digest), message.commitment):
            self._refuse_admitted(
                handover, record, ProblemType.ID_REUSED, "this id was used for another content; use a new id"
            )
        elif message.batch == handover.batch and first_in_batch:
            # The batch is redelivered: its commit is there, its hand-over may not be.
            handover.receipt(record.sender).accepted.append((message.id, message.accepted_entry))
            if message.state is State.ACCEPTED:
                handover.messages.append(_outbound(record, message))
        else:
            # The first copy is still in custody: this one goes no further.
            handover.receipt(record.sender).duplicate.append(record.id)

    def _take_new(self, handover: Handover, record: Admitted) -> None:
        if record.address is None or record.kind is None:
            raise ImpossibleRecordError(f"a {record.type} without address or kind was admitted: {record.id}")
        self._accept(handover, record, record.origin, record.address, record.kind, tier(record.origin, record.address))

    def _take_answer(self, handover: Handover, record: Admitted) -> None:
        query = self.messages.get(record.correlation_id) if record.correlation_id else None
        refusal = self._reason_against(record, query)
        if refusal is not None:
            self._refuse_admitted(handover, record, *refusal)
        elif query is not None:
            origin = query.address if record.origin == record.sender else record.origin
            answer = self._accept(handover, record, origin, query.origin, query.kind, query.tier)
            # The answer may have overtaken the record that its query was dispatched; then both are recorded, in order.
            self._dispatch(query, query.address, record.sender)
            self._answer(query, answer, record)

    def _reason_against(self, record: Admitted, query: MessageState | None) -> tuple[ProblemType, str] | None:
        if query is None or query.type is not MessageType.QUERY:
            return ProblemType.UNKNOWN_QUERY, f"there is no query {record.correlation_id}; check correlation_id"
        if record.sender != (query.recipient or self.setting.asked(query.address)):
            return ProblemType.NOT_ASKED, f"query {query.id} was not addressed to {record.sender}"
        if query.state in CLOSED:
            return ProblemType.QUERY_CLOSED, f"query {query.id} is {query.state} already"
        return None

    def _accept(
        self, handover: Handover, record: Admitted, origin: str, address: str, kind: str | None, tier: str
    ) -> MessageState:
        salt = self.setting.new_salt()
        message = MessageState(
            id=record.id,
            type=MessageType(record.type),
            kind=kind,
            sender=record.sender,
            submitter=record.submitter,
            origin=origin,
            written_to=record.written_to,
            address=address,
            recipient=None,
            tier=tier,
            due=record.due,
            correlation_id=record.correlation_id,
            outcome=record.outcome,
            answer_id=None,
            on_time=None,
            state=TRANSITIONS[None, Event.ACCEPTED],
            parked_reason=None,
            batch=handover.batch,
            salt=salt,
            commitment=commitment(salt, record.digest),
            arrived_at=record.arrived_at,
            accepted_at=self.setting.at,
            accepted_entry=self.setting.size + len(self.decision.entries),
            dispatched_at=None,
            closed_at=None,
            period=None,
        )
        self.messages[message.id] = message
        self.decision.inserted[message.id] = message
        _append(self.decision, self.setting, Event.ACCEPTED, message.id, _accepted_data(message))
        handover.messages.append(_outbound(record, message))
        handover.receipt(record.sender).accepted.append((message.id, message.accepted_entry))
        return message

    def _apply(self, message: MessageState, event: Event) -> bool:
        """Move ``message`` along the transition table; False, and nothing is done, where there is no such edge."""
        state = following(message.state, event)
        if state is None:
            return False
        message.state = state
        if message.id not in self.decision.inserted:
            self.decision.updated[message.id] = message
        return True

    def _dispatch(self, message: MessageState, address: str, recipient: str) -> None:
        if not self._apply(message, Event.DISPATCHED):
            return
        message.address = address
        message.recipient = recipient
        message.parked_reason = None
        message.tier = tier(message.origin, address)
        message.dispatched_at = self.setting.at
        message.period = self.setting.calendar.period_of(self.setting.at)
        _append(self.decision, self.setting, Event.DISPATCHED, message.id, _cohort_data(message, recipient=recipient))
        if message.type is MessageType.QUERY:
            self._move(message, received=1, unanswered=1)

    def _answer(self, query: MessageState, answer: MessageState, record: Admitted) -> None:
        self._apply(query, Event.ANSWERED)
        query.outcome = record.outcome
        query.answer_id = answer.id
        query.closed_at = self.setting.at
        # What counts is when the exchange had the answer in its hands, not when its own ledger got to it.
        query.on_time = query.due is None or self.setting.calendar.local_date(record.arrived_at) <= query.due
        data = _cohort_data(query, answer=str(answer.id), outcome=query.outcome, on_time=query.on_time)
        _append(self.decision, self.setting, Event.ANSWERED, query.id, data)
        self._move(query, answered=1, on_time=int(query.on_time), unanswered=-1)

    def _park(self, message: MessageState, reason: str) -> None:
        if message.parked_reason == reason or not self._apply(message, Event.PARKED):
            return
        message.parked_reason = reason
        _append(self.decision, self.setting, Event.PARKED, message.id, {"reason": reason})

    def _move(self, query: MessageState, **counts: int) -> None:
        for role, address in (("recipient", query.address), ("sender", query.origin)):
            key = CohortKey(role, address, query.tier, query.kind or "", query.period or "")
            move = self.decision.moves.setdefault(key, Move())
            for name, count in counts.items():
                setattr(move, name, getattr(move, name) + count)

    def _refuse(self, handover: Handover, record: Refused) -> None:
        self.decision.refused[record.id] = record
        if record.sender is not None:
            handover.receipt(record.sender).refused.append((record.message_id, record.problem, record.detail))

    def _refuse_admitted(self, handover: Handover, record: Admitted, problem: ProblemType, detail: str) -> None:
        refused = Refused(
            id=refusal_id(record.sender, record.id, record.digest, problem),
            problem=problem.slug,
            detail=detail,
            door=LEDGER_DOOR,
            arrived_at=record.arrived_at,
            payload_bytes=len(record.payload),
            message_id=record.id,
            sender=record.sender,
            type=record.type,
        )
        self._refuse(handover, refused)


def _accepted_data(message: MessageState) -> dict[str, Any]:
    return {
        "type": message.type,
        "kind": message.kind,
        "sender": message.sender,
        "submitter": message.submitter,
        "from": message.origin,
        "to": message.written_to,
        "address": message.address,
        "tier": message.tier,
        "due": message.due and message.due.isoformat(),
        "correlation_id": message.correlation_id and str(message.correlation_id),
        "outcome": message.outcome,
        "arrived_at": message.arrived_at.isoformat(),
        "commitment": message.commitment.hex(),
    }


def _cohort_data(message: MessageState, **more: Any) -> dict[str, Any]:
    return {
        "type": message.type,
        "from": message.origin,
        "address": message.address,
        "tier": message.tier,
        "kind": message.kind,
        "period": message.period,
        **more,
    }


def _outbound(record: Admitted, message: MessageState) -> Outbound:
    return Outbound(
        id=record.id,
        type=record.type,
        address=message.address,
        origin=message.origin,
        content_type=record.content_type,
        payload=record.payload,
        received_at=record.arrived_at,
        entry=message.accepted_entry,
        kind=message.kind,
        tier=message.tier,
        written_to=message.written_to,
        due=message.due,
        correlation_id=message.correlation_id,
        outcome=record.outcome,
        reason=record.reason,
        traceparent=record.traceparent,
    )
