"""Loads what a decision needs and writes what it amounts to; each function is one statement of ``queries.sql``."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, fields
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec

from contracts.envelope import MessageType
from services.ledger.records import CohortKey, MessageState, Move, NewEntry, NewRefusal
from services.ledger.store.connection import Connection
from services.ledger.store.queries import WRITING
from services.ledger.transitions import State

_UPDATED = attrgetter(
    "id",
    "address",
    "recipient",
    "tier",
    "outcome",
    "answer_id",
    "on_time",
    "state",
    "parked_reason",
    "dispatched_at",
    "closed_at",
    "period",
)
_INSERTED = attrgetter(*(field.name for field in fields(MessageState)))


class WriteConflictError(Exception):
    """Fewer or more rows were written than decided: the transaction must not commit."""


async def load_messages(connection: Connection, ids: Collection[UUID]) -> dict[UUID, MessageState]:
    """What the ledger has of ``ids``."""
    rows = await connection.fetch(WRITING["messages_by_id"], list(ids))
    return {row["id"]: _message(row) for row in rows}


async def insert_messages(connection: Connection, messages: Collection[MessageState]) -> None:
    """Record new messages. Raises WriteConflictError unless each was new."""
    if messages:
        status = await connection.execute(WRITING["insert_messages"], *_columns(map(_INSERTED, messages)))
        _expect(status, f"INSERT 0 {len(messages)}")


async def update_messages(connection: Connection, messages: Collection[MessageState]) -> None:
    """Write what transitions changed. Raises WriteConflictError unless each message was there."""
    if messages:
        status = await connection.execute(WRITING["update_messages"], *_columns(map(_UPDATED, messages)))
        _expect(status, f"UPDATE {len(messages)}")


async def append_entries(connection: Connection, entries: Sequence[NewEntry]) -> None:
    """Append to the log. All entries of a transaction have the same time."""
    if entries:
        indexes, events, message_ids, data = _columns(
            (entry.index, entry.event, entry.message_id, msgspec.json.encode(entry.data).decode()) for entry in entries
        )
        await connection.execute(WRITING["append_entries"], indexes, entries[0].at, events, message_ids, data)


async def move_cohorts(connection: Connection, moves: dict[CohortKey, Move]) -> None:
    """Move the counters. Raises WriteConflictError unless each cohort moved once."""
    if moves:
        begun = [astuple(key) for key, move in moves.items() if move.received]
        if begun:
            await connection.execute(WRITING["begin_cohorts"], *_columns(begun))
        rows = [(*astuple(key), *astuple(move)) for key, move in moves.items()]
        status = await connection.execute(WRITING["move_cohorts"], *_columns(rows))
        _expect(status, f"UPDATE {len(moves)}")


async def load_refusals(connection: Connection, ids: Collection[UUID]) -> set[UUID]:
    """Which of ``ids`` are recorded refusals."""
    if not ids:
        return set()
    return {row["id"] for row in await connection.fetch(WRITING["refusals_by_id"], list(ids))}


async def insert_refusals(connection: Connection, refusals: Sequence[NewRefusal]) -> None:
    """Record refusals that were not recorded before."""
    if refusals:
        records = [refusal.record for refusal in refusals]
        read = attrgetter(
            "id", "message_id", "sender", "type", "problem", "detail", "door", "payload_bytes", "arrived_at"
        )
        columns = _columns(map(read, records))
        entries = [refusal.entry for refusal in refusals]
        status = await connection.execute(WRITING["insert_refusals"], *columns, entries, refusals[0].at)
        _expect(status, f"INSERT 0 {len(refusals)}")


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _expect(status: str, expected: str) -> None:
    if status != expected:
        raise WriteConflictError(f"{status} where the decision was {expected}")


def _message(row: Any) -> MessageState:
    values = dict(row)
    return MessageState(**{**values, "type": MessageType(values["type"]), "state": State(values["state"])})
