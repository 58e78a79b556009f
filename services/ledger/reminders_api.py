"""`POST /v1/messages/{id}/reminders`: a reminder by hand, for an administrator or the query's asker."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Body, Depends, Request
from fastapi.security import HTTPBearer

from contracts.batch import Remind
from contracts.period import Calendar
from contracts.problems import ProblemError, ProblemType
from contracts.reminder_wire import ReminderOrdered, ReminderRequest
from contracts.reminders import DEFAULT_POLICY, cooled_down_at
from services.ledger.access import Reader, reader_of
from services.ledger.ordering import Ordering
from services.ledger.store.connection import Row
from services.ledger.store.queries import READING
from services.ledger.transitions import CLOSED, OPEN, State
from services.registry.snapshot import Snapshot

ADMINISTRATOR = "administrator"


def reminders_router(
    pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], calendar: Calendar, ordering: Ordering
) -> APIRouter:
    """The route. ``snapshot`` gives the registry's newest, ``ordering`` is the way to whoever writes the log."""
    router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    @router.post(
        "/messages/{id}/reminders",
        status_code=202,
        summary="Have a query's recipient reminded; 202 when it is ordered",
    )
    async def remind(
        request: Request, id: UUID, asked: Annotated[ReminderRequest | None, Body()] = None
    ) -> ReminderOrdered:
        known = snapshot()
        reader = reader_of(request, known)
        query = _remindable(await pool.fetchrow(READING["to_be_reminded_by_hand"], id), id, reader)
        _expect_cooled_down(query, known, calendar)
        by = reader.address or ADMINISTRATOR
        # Whether it is still open and cooled down is decided again when the order is carried out.
        order = await ordering.give([Remind(id, by, (asked.reason if asked else None) or None)])
        return ReminderOrdered(order=order, query=id, recipient=query["recipient"], by=by)

    return router


def _remindable(query: Row | None, id: UUID, reader: Reader) -> Row:
    parties = (query["sender"], query["recipient"]) if query is not None else ()
    if query is None or not (reader.administrator or reader.address in parties):
        raise ProblemError(ProblemType.NOT_FOUND, f"there is no query {id} that this token may see")
    if query["type"] != "query":
        raise ProblemError(ProblemType.UNKNOWN_QUERY, f"{id} is a message of type {query['type']}, not a query")
    if not reader.administrator and reader.address != query["sender"]:
        raise ProblemError(ProblemType.NOT_ASKER, f"query {id} was not asked by {reader.address}")
    state = State(query["state"])
    if state in CLOSED:
        raise ProblemError(ProblemType.QUERY_CLOSED, f"query {id} is {state} already")
    if state not in OPEN:
        raise ProblemError(ProblemType.NOT_RECEIVED, f"query {id} is {state}; nobody has it who could be reminded")
    return query


def _expect_cooled_down(query: Row, snapshot: Snapshot, calendar: Calendar) -> None:
    kind = snapshot.kinds.get(query["kind"])
    until = cooled_down_at(kind.reminders if kind is not None else DEFAULT_POLICY, query["reminded_at"])
    if until is not None and datetime.now(UTC) < until:
        local = until.astimezone(calendar.zone).isoformat(timespec="seconds")
        raise ProblemError(
            ProblemType.COOLING_DOWN,
            f"{query['recipient']} was reminded of query {query['id']} already; it can be again from {local}",
        )
