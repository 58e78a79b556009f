"""The ledger's API of statistical periods: when they are, what was fixed when they were closed, and the closing."""

import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPBearer

from contracts.batch import ClosePeriod
from contracts.period import Calendar, PeriodError
from contracts.period_wire import (
    ClosingOrdered,
    PeriodDetail,
    PeriodFigures,
    PeriodOut,
    PeriodsOut,
    PeriodState,
    Restatement,
)
from contracts.problems import ProblemError, ProblemType
from contracts.rates import Figures
from services.ledger import answers
from services.ledger.access import readable_jurisdiction, reader_of
from services.ledger.api import Jurisdiction, KindName, RoleName
from services.ledger.closings import Closing, closed_figures, closing_of, closings, open_months
from services.ledger.ordering import Ordering
from services.ledger.rates import RateQuestion, figures
from services.registry.snapshot import Snapshot

_ADMINISTRATOR = "administrator"

MonthCount = Annotated[int, Query(ge=1, le=120, description="So many months, the present one included")]


def periods_router(
    pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], calendar: Calendar, ordering: Ordering
) -> APIRouter:
    """The routes under ``/v1/periods``. ``snapshot`` gives the registry's newest; ``ordering`` reaches the writer."""
    api = _PeriodsAPI(pool, snapshot, calendar, ordering)
    # It only documents the token: each handler asks who reads.
    router = APIRouter(prefix="/v1", tags=["periods"], dependencies=[Depends(HTTPBearer(auto_error=False))])
    router.get("/periods", summary="The last months and their years, and whether they are closed")(api.periods)
    router.get("/periods/{period}", summary="A period's closed figures beside the present ones")(api.period)
    router.post("/periods/{period}/close", status_code=202, summary="Fix the figures of a month")(api.close)
    return router


class _PeriodsAPI:
    """The handlers; each reads the request, asks the store, and answers with the wire's model."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], calendar: Calendar, ordering: Ordering
    ) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._calendar = calendar
        self._ordering = ordering

    async def periods(self, request: Request, count: MonthCount = 12) -> PeriodsOut:
        reader_of(request, self._snapshot())
        now = datetime.now(UTC)
        months = self._calendar.recent(now, count)
        years = sorted({self._calendar.year_of(month) for month in months}, reverse=True)
        async with self._pool.acquire() as connection:
            closed = await closings(connection)
        return PeriodsOut(
            months=[period_out(self._calendar, month, closed, now) for month in months],
            years=[period_out(self._calendar, year, closed, now) for year in years],
        )

    async def period(
        self,
        request: Request,
        period: str,
        jurisdiction: Jurisdiction = None,
        role: RoleName = "recipient",
        kind: KindName = None,
    ) -> PeriodDetail:
        snapshot = self._snapshot()
        code = readable_jurisdiction(reader_of(request, snapshot), jurisdiction, snapshot)
        months = months_of(self._calendar, period)
        question = RateQuestion(code, role, self._calendar.span(period), period, None, kind)
        # One state of the ledger for both, or what came between the two readings would look like a restatement.
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            closed = await closings(connection)
            present = (await figures(connection, self._calendar, question)).tiers
            fixed = None
            if not open_months(self._calendar, period, closed):
                fixed = await closed_figures(connection, months, role, code, kind)
        known = snapshot.directory.get(code.partition(".")[0])
        return PeriodDetail(
            **dict(period_out(self._calendar, period, closed, datetime.now(UTC))),
            jurisdiction=code,
            name=known.name if known else None,
            role=role,
            kind=kind,
            closed=None if fixed is None else _period_figures(fixed),
            present=_period_figures(present),
            restated=None if fixed is None else _restatement(fixed, present),
        )

    async def close(self, request: Request, period: str) -> ClosingOrdered:
        if not reader_of(request, self._snapshot()).administrator:
            raise ProblemError(ProblemType.FORBIDDEN, "periods are closed by administrators")
        if months_of(self._calendar, period) != [period]:
            raise ProblemError(
                ProblemType.INVALID_REQUEST, "only months are closed; a year is closed with the last of its months"
            )
        cut_off = self._calendar.cutoff(period)
        if datetime.now(UTC) < cut_off:
            said = cut_off.astimezone(self._calendar.zone).isoformat()
            raise ProblemError(
                ProblemType.PERIOD_NOT_OVER, f"answers count for {period} before {said}; close it then or later"
            )
        async with self._pool.acquire() as connection:
            closing = (await closings(connection)).get(period)
        if closing is not None:
            raise ProblemError(
                ProblemType.PERIOD_CLOSED,
                f"{period} was closed by entry {closing.entry}; what came later is shown beside its figures",
            )
        order = ClosePeriod(uuid.uuid4(), period, _ADMINISTRATOR)
        await self._ordering.give([order])
        return ClosingOrdered(order=order.id, period=period, as_of=cut_off)


def months_of(calendar: Calendar, period: str) -> list[str]:
    """The months of a period that a request names. Raises ProblemError where it names none."""
    try:
        return calendar.months(period)
    except PeriodError as error:
        raise ProblemError(ProblemType.INVALID_REQUEST, str(error)) from None


def period_out(calendar: Calendar, period: str, closed: dict[str, Closing], now: datetime) -> PeriodOut:
    """A period as it stands at ``now``."""
    span, closing = calendar.span(period), closing_of(calendar, period, closed)
    over: PeriodState = "over" if span.end <= now else "open"
    return PeriodOut(
        period=period,
        from_=span.start,
        to=span.end,
        # Where the setting was changed since, what holds is the moment that the figures were fixed as of.
        cut_off=calendar.cutoff(period) if closing is None else closing.as_of,
        state=over if closing is None else "closed",
        open_months=open_months(calendar, period, closed),
        closed_at=None if closing is None else closing.closed_at,
        closed_by=None if closing is None else closing.by,
        as_of=None if closing is None else closing.as_of,
        entry=None if closing is None else closing.entry,
    )


def _period_figures(tiers: dict[str, Figures]) -> PeriodFigures:
    total = sum(tiers.values(), Figures())
    return PeriodFigures(
        **answers.figures_members(total), tiers={tier: answers.figures_out(own) for tier, own in tiers.items()}
    )


def _restatement(closed: dict[str, Figures], present: dict[str, Figures]) -> Restatement:
    before, now = (asdict(sum(tiers.values(), Figures())) for tiers in (closed, present))
    return Restatement(**{name: now[name] - before[name] for name in Restatement.model_fields})
