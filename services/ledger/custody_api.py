"""`GET /v1/custody`: how long queries lay with the exchange, and with their recipients."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPBearer

from contracts.custody_wire import CustodyPage
from contracts.period import Calendar
from services.ledger.access import readable_jurisdiction, reader_of
from services.ledger.api import From, Jurisdiction, KindName, PeriodName, TierName, To
from services.ledger.held import address_custody, stages
from services.ledger.moments import read_span
from services.ledger.store.queries import READING, at_and_below
from services.registry.snapshot import Snapshot

Addresses = Annotated[int, Query(ge=0, le=1000, description="So many addresses at most, the slowest first")]


def custody_router(pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], calendar: Calendar) -> APIRouter:
    """The route. ``snapshot`` gives the registry's newest."""
    router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=[Depends(HTTPBearer(auto_error=False))])

    @router.get("/custody", summary="How long queries lay with the exchange and with their recipients")
    async def custody(
        request: Request,
        jurisdiction: Jurisdiction = None,
        tier: TierName = None,
        kind: KindName = None,
        period: PeriodName = None,
        from_: From = None,
        to: To = None,
        limit: Addresses = 100,
    ) -> CustodyPage:
        known = snapshot()
        code = readable_jurisdiction(reader_of(request, known), jurisdiction, known)
        name, span = read_span(calendar, period, from_, to)
        now = datetime.now(UTC)
        together, *each = await pool.fetch(
            READING["custody"], at_and_below(code), span.start, span.end, now, tier, kind, limit + 1
        )
        place = known.directory.get(code.partition(".")[0])
        return CustodyPage(
            jurisdiction=code,
            name=place.name if place else None,
            tier=tier,
            kind=kind,
            period=name,
            from_=span.start,
            to=span.end,
            as_of=now,
            addresses=[address_custody(row) for row in each],
            **dict(stages(together)),
        )

    return router
