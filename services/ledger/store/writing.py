"""Loads what a decision needs and writes what it amounts to; each function is one statement of ``queries.sql``."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, fields
from operator import attrgetter
from typing import Any
from uuid import UUID

from contracts.envelope import MessageType
from contracts.leaf import Totals, closing_table
from contracts.merkle import HASH_BYTES
from contracts.tiles import TILE_WIDTH, Tile
from services.ledger.records import (
    CHANGING,
    COLUMNS,
    CohortKey,
    MessageState,
    Move,
    MovedCohort,
    NewClosing,
    NewRefusal,
    PastDuty,
    SealedEntry,
)
from services.ledger.store.connection import Connection, Row
from services.ledger.store.faults import DamagedTreeError
from services.ledger.store.queries import WRITING
from services.ledger.totals import TotalsKey
from services.ledger.transitions import State
from services.ledger.tree import filling, grow

_READ_ALL = attrgetter(*COLUMNS)
_READ_CHANGING = attrgetter("id", *CHANGING)
_READ_MOVE = attrgetter(*(field.name for field in fields(Move)))
_ENTRY = ("index", "at", "event", "message_id", "data", "leaf_hash")
_HOLDERS_OF_CHANGING = 1 + CHANGING.index("holders")


class WriteConflictError(Exception):
    """Fewer or more rows were written than decided: the transaction must not commit."""


async def load_messages(connection: Connection, ids: Collection[UUID]) -> dict[UUID, MessageState]:
    """What the ledger has of ``ids``."""
    rows = await connection.fetch(WRITING["messages_by_id"], list(ids))
    return {row["id"]: _message(row) for row in rows}


async def insert_messages(connection: Connection, messages: Collection[MessageState]) -> None:
    """Record new messages. Raises WriteConflictError unless each was written, asyncpg's error where one was there."""
    if messages:
        status = await connection.copy_records_to_table("message", records=map(_READ_ALL, messages), columns=COLUMNS)
        _expect(status, f"COPY {len(messages)}")


async def update_messages(connection: Connection, messages: Collection[MessageState]) -> None:
    """Write what transitions changed. Raises WriteConflictError unless each message was there."""
    if messages:
        columns = _columns(map(_READ_CHANGING, messages))
        columns[_HOLDERS_OF_CHANGING] = list(map(" ".join, columns[_HOLDERS_OF_CHANGING]))
        status = await connection.execute(WRITING["update_messages"], *_without_empty(columns))
        _expect(status, f"UPDATE {len(messages)}")


async def insert_past_duties(connection: Connection, duties: Sequence[PastDuty]) -> None:
    """Record the duties that ended because their query went on."""
    if duties:
        await connection.execute(WRITING["insert_past_duties"], *_columns(map(astuple, duties)))


async def load_closed(connection: Connection) -> set[str]:
    """The months whose figures are fixed."""
    return {row["period"] for row in await connection.fetch(WRITING["closed_periods"])}


async def close_periods(connection: Connection, closings: Sequence[NewClosing]) -> dict[int, tuple[bytes, ...]]:
    """Fix the figures of months: the tables of their cohorts, by the closings' entries.

    It comes when the messages and past duties of the transaction are written, which it counts.
    """
    tables = {}
    for closing in closings:
        about = (closing.period, closing.as_of, closing.at, closing.by, closing.entry)
        await connection.execute(WRITING["close_period"], *about)
        rows = await connection.fetch(WRITING["fix_cohorts"], closing.period, closing.as_of)
        tables[closing.entry] = closing_table(map(dict, rows))
    return tables


async def load_totals(connection: Connection, cohorts: Collection[TotalsKey]) -> dict[TotalsKey, Totals]:
    """Where the cohorts stand before the transaction moves them; those that have not begun are left out."""
    if not cohorts:
        return {}
    rows = await connection.fetch(WRITING["totals"], *_columns(cohorts))
    return {TotalsKey(*row[:4]): Totals(*row[4:]) for row in map(tuple, rows)}


async def append_entries(connection: Connection, entries: Sequence[SealedEntry]) -> None:
    """Append to the log. Raises WriteConflictError unless each was written, asyncpg's error where an index is taken."""
    if entries:
        records = [(one.index, one.at, one.event, one.message_id, one.data.decode(), one.leaf_hash) for one in entries]
        status = await connection.copy_records_to_table("entry", records=records, columns=_ENTRY)
        _expect(status, f"COPY {len(entries)}")


async def grow_tree(connection: Connection, size: int, leaf_hashes: Sequence[bytes]) -> None:
    """Write what the tree gets above its leaves, of which there were ``size``. Most small batches fill no tile."""
    begun = {tile: await _begun(connection, tile) for tile in filling(size, len(leaf_hashes))}
    growths = grow(size, leaf_hashes, begun)
    if growths:
        await connection.execute(WRITING["grow_tiles"], *_columns(map(astuple, growths)))


async def load_leaf_hashes(connection: Connection, indexes: Collection[int]) -> dict[int, bytes]:
    """The leaf hashes of entries that are on the log."""
    if not indexes:
        return {}
    rows = await connection.fetch(WRITING["leaf_hashes"], list(indexes))
    return {row["index"]: row["leaf_hash"] for row in rows}


async def move_cohorts(connection: Connection, moves: dict[CohortKey, MovedCohort]) -> None:
    """Move the counters. Raises WriteConflictError unless each cohort moved once."""
    if moves:
        begun = [key for key, move in moves.items() if move.by.received]
        if begun:
            await connection.execute(WRITING["begin_cohorts"], *_columns(begun))
        rows = [(*key, *_READ_MOVE(move.by), move.entry) for key, move in moves.items()]
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


async def _begun(connection: Connection, tile: Tile) -> bytes:
    if tile.level == 0:
        first = tile.number * TILE_WIDTH
        hashes = await connection.fetchval(WRITING["begun_leaves"], first, first + tile.width)
    else:
        hashes = await connection.fetchval(WRITING["begun_tile"], tile.level, tile.number)
    if hashes is None or len(hashes) != tile.width * HASH_BYTES:
        raise DamagedTreeError(f"the tree has not the {tile.width} hashes that it should have at {tile.path}")
    return bytes(hashes)


def _columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _without_empty(columns: Sequence[list[Any]]) -> list[list[Any]]:
    """``columns`` with an empty one for each that holds nothing but None: ``unnest`` fills it up, and it costs nothing
    to send. The first one stays, and says how many rows there are.
    """
    return [columns[0], *([] if column.count(None) == len(column) else column for column in columns[1:])]


def _expect(status: str, expected: str) -> None:
    if status != expected:
        raise WriteConflictError(f"{status} where the decision was {expected}")


def _message(row: Row) -> MessageState:
    # The columns come in the order of the fields.
    message = MessageState(*row)
    message.type = MessageType(message.type)
    message.state = State(message.state)
    return message
