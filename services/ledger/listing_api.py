"""`GET /v1/messages`: the ids of a participant's queries, for it to lay beside its own list of them."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPBearer

from contracts.listing_wire import ListedPage, ListedQuery, ListName
from contracts.period import Calendar
from contracts.problems import ProblemError, ProblemType
from services.ledger import answers
from services.ledger.access import readable_jurisdiction, reader_of
from services.ledger.api import After, From, Limit, PeriodName, To
from services.ledger.moments import read_span
from services.ledger.store.connection import Row
from services.ledger.store.queries import READING, at_and_below
from services.registry.snapshot import Snapshot

ListParameter = Annotated[ListName, Query(alias="list", description="Which of the participant's lists")]
Participant = Annotated[
    str | None, Query(description="Whose account; yours by default, and one below yours", examples=["410102"])
]
_FIRST_ID = UUID(int=0)


def listing_router(pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], calendar: Calendar) -> APIRouter:
    """The route. ``snapshot`` gives the registry's newest."""
    router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    @router.get("/messages", summary="The queries that a participant sent, received or answered, first received first")
    async def messages(
        request: Request,
        list_: ListParameter,
        participant: Participant = None,
        period: PeriodName = None,
        from_: From = None,
        to: To = None,
        limit: Limit = 100,
        after: After = None,
    ) -> ListedPage:
        known = snapshot()
        account = readable_jurisdiction(reader_of(request, known), participant, known, name="participant")
        if not account:
            raise ProblemError(ProblemType.INVALID_REQUEST, "say whose list as participant, a code like 410102")
        name, span = read_span(calendar, period, from_, to)
        moment, id = answers.read_time_cursor(after) if after else (span.start, _FIRST_ID)
        # An account has only what lies at its address and below it, which is what the indexes are by.
        asked = (at_and_below(account), account, max(moment, span.start), id, span.end, limit + 1)
        if list_ is ListName.SENT:
            rows = await pool.fetch(READING["queries_sent"], *asked)
        else:
            rows = await pool.fetch(READING["queries_received"], *asked, list_ is ListName.ANSWERED)
        shown = rows[:limit]
        return ListedPage(
            list_=list_,
            participant=account,
            period=name,
            from_=span.start,
            to=span.end,
            items=[_listed(row) for row in shown],
            next=answers.cursor(shown[-1]["received_at"], shown[-1]["id"]) if len(rows) > limit else None,
        )

    return router


def _listed(row: Row) -> ListedQuery:
    read = dict(row)
    return ListedQuery(from_=read.pop("origin"), to=read.pop("written_to") or row["address"], **read)
