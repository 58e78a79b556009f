"""A decision in the making: the messages as they stand after each record, and what has come of it so far."""

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from contracts.batch import Admitted, Refused
from contracts.envelope import MessageType
from contracts.problems import ProblemType
from contracts.reasons import reason_code
from services.ledger.outbound import outbound
from services.ledger.records import CohortMove, Decision, Handover, MessageState, MovedCohort, NewEntry
from services.ledger.setting import Setting
from services.ledger.transitions import TRANSITIONS, Event, State, following

LEDGER_DOOR = "ledger"
"""The door of a refusal that only the ledger could see, whichever way the message came."""

_REFUSAL_NAMESPACE = UUID("5c8f6d0e-6f0b-5d3b-9a51-6d0a3d9d9f3c")


class ImpossibleRecordError(ValueError):
    """A record that contradicts the ledger, for instance a report on a message that was never accepted."""


class Draft:
    """One run of ``decide``. What happens to messages goes through ``accept`` and ``apply``, and nowhere else."""

    def __init__(self, messages: dict[UUID, MessageState], setting: Setting) -> None:
        self.messages = messages
        self.setting = setting
        self.decision = Decision()

    def handover(self, batch: UUID) -> Handover:
        """What goes to the router because of ``batch``."""
        handover = Handover(batch)
        self.decision.handovers.append(handover)
        return handover

    def accept(
        self, handover: Handover, record: Admitted, *, origin: str, address: str, kind: str | None, tier: str
    ) -> MessageState:
        """Let a new message in: it is on the ledger, handed over, and told of in its sender's receipt."""
        salt = self.setting.new_salt()
        message = MessageState(
            id=record.id,
            type=MessageType(record.type),
            kind=kind,
            sender=record.sender,
            submitter=record.submitter,
            origin=origin,
            written_to=record.written_to,
            correlation_id=record.correlation_id,
            batch=handover.batch,
            salt=salt,
            commitment=commitment(salt, record.digest),
            arrived_at=record.arrived_at,
            accepted_at=self.setting.at,
            accepted_entry=self.setting.size + len(self.decision.entries),
            original_due=record.due,
            state=TRANSITIONS[None, Event.ACCEPTED],
            address=address,
            tier=tier,
            due=record.due,
            taken_at=record.arrived_at,
            outcome=record.outcome,
            reason_code=reason_code(record.reason),
            timely=record.timely,
            useful=record.useful,
        )
        self.messages[message.id] = message
        self.decision.inserted[message.id] = message
        self.append(Event.ACCEPTED, message.id, _accepted_data(message, record))
        handover.messages.append(outbound(record, message))
        handover.receipt(record.sender).accepted.append((message.id, message.accepted_entry))
        return message

    def apply(self, message: MessageState, event: Event) -> bool:
        """Move ``message`` along the transition table; False, and nothing is done, where there is no such edge."""
        state = following(message.state, event)
        if state is None:
            return False
        message.state = state
        if message.id not in self.decision.inserted:
            self.decision.updated[message.id] = message
        return True

    def append(
        self, event: Event, message_id: UUID | None, data: Mapping[str, Any], move: CohortMove | None = None
    ) -> NewEntry:
        """Append an entry to the log, and move the counters that it moves."""
        entry = NewEntry(self.setting.size + len(self.decision.entries), self.setting.at, event, message_id, data, move)
        self.decision.entries.append(entry)
        if move is not None:
            for key in (move.recipient, move.sender):
                moved = self.decision.moves.get(key)
                if moved is None:
                    moved = self.decision.moves[key] = MovedCohort(entry.index)
                moved.move(entry.index, move.by)
        return entry

    def refuse(self, handover: Handover, record: Refused) -> None:
        """Record that something was not let in, and say so to its sender, where there is one."""
        self.decision.refused[record.id] = record
        if record.sender is not None:
            handover.receipt(record.sender).refused.append((record.message_id, record.problem, record.detail))

    def refuse_admitted(self, handover: Handover, record: Admitted, problem: ProblemType, detail: str) -> None:
        """Refuse what the gateway let in, for a reason that only the ledger can see."""
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
            sequence=record.sequence,
        )
        self.refuse(handover, refused)

    def holder(self, query: MessageState) -> str | None:
        """The participant that answers ``query``: who received it, or who is going to."""
        return query.recipient or self.setting.asked(query.address)


def commitment(salt: bytes, digest: bytes) -> bytes:
    """What the ledger keeps of a message's content: of no use to anyone once the salt is gone."""
    return hmac.digest(salt, digest, hashlib.sha256)


def refusal_id(sender: str, message_id: UUID, digest: bytes, problem: ProblemType) -> UUID:
    """The id of a refusal: the same for the same message refused again for the same reason, so that it is counted
    once.
    """
    return uuid.uuid5(_REFUSAL_NAMESPACE, f"{sender} {message_id} {digest.hex()} {problem.slug}")


def is_query(message: MessageState) -> bool:
    """Whether an answer is owed to ``message``."""
    return message.type is MessageType.QUERY


def is_waiting(message: MessageState) -> bool:
    """Whether ``message`` is new and may not have been handed over yet."""
    return message.state is State.ACCEPTED


def numbered(record: Admitted | Refused) -> dict[str, int]:
    """Which of its sender's messages a record is about, where the sender numbered it: then a gap can be seen."""
    return {} if record.sequence is None else {"sequence": record.sequence}


def _accepted_data(message: MessageState, record: Admitted) -> dict[str, Any]:
    return {
        "type": str(message.type),
        "kind": message.kind,
        "sender": message.sender,
        "submitter": message.submitter,
        "from": message.origin,
        "to": message.written_to,
        "address": message.address,
        "tier": message.tier,
        "due": message.due and message.due.isoformat(),
        "urgent": record.urgent,
        "correlation_id": message.correlation_id and str(message.correlation_id),
        "outcome": message.outcome,
        "reason": message.reason_code,
        "arrived_at": message.arrived_at.isoformat(),
        "commitment": message.commitment.hex(),
        **numbered(record),
    }
