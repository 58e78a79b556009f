"""The ledger's HTTP API: rates, what is behind them, and whether everything adds up. Source: design section 5."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.security import HTTPBearer

from contracts.addresses import Tier
from contracts.period import Calendar
from contracts.problems import ProblemError, ProblemType
from contracts.proof_wire import ProofOut
from contracts.proofs import encode_proof
from contracts.readings import Codes
from contracts.wire import Conservation, MessageOut, ParkedPage, RateOut, RefusalPage, UnansweredPage
from services.ledger import answers
from services.ledger.access import is_party, readable_jurisdiction, reader_of
from services.ledger.conservation import broken_cohorts
from services.ledger.held import custody_of
from services.ledger.moments import FIRST_MOMENT, read_moment, read_span
from services.ledger.proofs import FiguresClaim, prove_closed, prove_figures
from services.ledger.rates import RateQuestion, figures
from services.ledger.store.queries import READING, at_and_below
from services.registry.snapshot import Snapshot

_LONGEST_PAGE = 1000
_FIRST_ID = UUID(int=0)
_AFTER_ALL_ENTRIES = 2**62
_SHOWN_SET_ASIDE = 1000

Jurisdiction = Annotated[
    str | None, Query(description="Code or address; everything below counts. Yours by default.", examples=["410102"])
]
RoleName = Annotated[Literal["recipient", "sender"], Query(description="As the one asked, or as the asker")]
# What reaches the database is held to the characters that such names have: PostgreSQL refuses some others.
ProblemSlug = Annotated[
    str | None,
    Query(
        description="One problem type, with or without the beginning of its URN",
        examples=["unknown-kind"],
        pattern=r"^(urn:huizhi:problem:)?[a-z0-9-]{1,64}$",
    ),
]
Account = Annotated[
    str | None, Query(description="One account", examples=["410102"], pattern=r"^[A-Za-z0-9._-]{1,128}$")
]
TierName = Annotated[Tier | None, Query(description="One tier; both together by default")]
KindName = Annotated[
    str | None,
    Query(description="One kind; all by default", examples=["case.assist"], pattern=r"^[a-z][a-z0-9.-]{0,127}$"),
]
PeriodName = Annotated[str | None, Query(description="A statistical month or year", examples=["2026-11", "2026"])]
From = Annotated[str | None, Query(alias="from", description="Received at or after this moment")]
To = Annotated[str | None, Query(description="Received before this moment; a day counts whole")]
AsOf = Annotated[str | None, Query(description="Answers up to this moment; now by default. A day counts whole.")]
Proof = Annotated[bool, Query(description="A proof of a month's figures, a file to be checked offline, in their place")]
Closed = Annotated[bool, Query(description="With `proof`: of the figures that were fixed when the month was closed")]
CodesName = Annotated[Codes, Query(description="Under the codes of the time, or read under today's codes")]
Limit = Annotated[int, Query(ge=1, le=_LONGEST_PAGE, description="Items on a page")]
After = Annotated[str | None, Query(description="`next` of the page before")]


def ledger_router(pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], calendar: Calendar) -> APIRouter:
    """The routes under ``/v1``. ``snapshot`` gives the registry's newest."""
    api = _LedgerAPI(pool, snapshot, calendar)
    # It only documents the token: each handler asks who reads.
    router = APIRouter(prefix="/v1", tags=["ledger"], dependencies=[Depends(HTTPBearer(auto_error=False))])
    router.get("/rate", summary="The feedback rate of a jurisdiction", response_model=RateOut | ProofOut)(api.rate)
    router.get("/unanswered", summary="What is behind the difference, oldest first")(api.unanswered)
    router.get("/messages/{id}", summary="A message, and what happened to it")(api.message)
    router.get("/refused", summary="What was not let in, newest first")(api.refused)
    router.get("/parked", summary="What could not be placed and waits, oldest first")(api.parked)
    router.get("/conservation", summary="Whether everything received is accounted for")(api.conservation)
    return router


class _LedgerAPI:
    """The handlers; each reads the request, asks one question of the store, and answers with the wire's model."""

    def __init__(self, pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], calendar: Calendar) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._calendar = calendar

    async def rate(
        self,
        request: Request,
        jurisdiction: Jurisdiction = None,
        role: RoleName = "recipient",
        tier: TierName = None,
        kind: KindName = None,
        period: PeriodName = None,
        from_: From = None,
        to: To = None,
        as_of: AsOf = None,
        codes: CodesName = "then",
        proof: Proof = False,
        closed: Closed = False,
    ) -> RateOut | Response:
        snapshot = self._snapshot()
        code = readable_jurisdiction(reader_of(request, snapshot), jurisdiction, snapshot)
        if proof or closed:
            given = {"kind": kind, "from": from_, "to": to, "as_of": as_of, "codes": codes if codes != "then" else None}
            _expect_provable(given, proof=proof)
            month = _month(self._calendar, period)
            return await self._prove(FiguresClaim(code, role, month, tier), closed=closed)
        name, span = read_span(self._calendar, period, from_, to)
        moment = read_moment("as_of", as_of, self._calendar, end_of_day=True) if as_of else None
        today = snapshot.directory if codes == "today" else None
        question = RateQuestion(code, role, span, name, moment, kind, today)
        async with self._pool.acquire() as connection:
            answer = await figures(connection, self._calendar, question)
        known = snapshot.directory.get(code.partition(".")[0])
        return RateOut(
            jurisdiction=code,
            name=known.name if known else None,
            role=role,
            tier=tier,
            kind=kind,
            codes=codes,
            period=name,
            from_=span.start,
            to=span.end,
            as_of=answer.as_of,
            tiers={each: answers.figures_out(counts) for each, counts in answer.tiers.items()},
            **answers.figures_members(answer.of(tier)),
        )

    async def _prove(self, claim: FiguresClaim, *, closed: bool) -> Response:
        document = await (prove_closed if closed else prove_figures)(self._pool, claim)
        return Response(encode_proof(document), media_type="application/json")

    async def unanswered(
        self,
        request: Request,
        jurisdiction: Jurisdiction = None,
        tier: TierName = None,
        kind: KindName = None,
        period: PeriodName = None,
        from_: From = None,
        to: To = None,
        limit: Limit = 100,
        after: After = None,
    ) -> UnansweredPage:
        snapshot = self._snapshot()
        code = readable_jurisdiction(reader_of(request, snapshot), jurisdiction, snapshot)
        span = read_span(self._calendar, period, from_, to)[1] if period or from_ or to else None
        moment, id = answers.read_time_cursor(after) if after else (FIRST_MOMENT, _FIRST_ID)
        rows = await self._pool.fetch(
            READING["unanswered"],
            at_and_below(code),
            tier,
            kind,
            moment,
            id,
            limit + 1,
            span and span.start,
            span and span.end,
        )
        shown = rows[:limit]
        today = self._calendar.local_date(datetime.now(UTC))
        return UnansweredPage(
            jurisdiction=code,
            items=[answers.unanswered_query(row, today) for row in shown],
            next=answers.cursor(shown[-1]["dispatched_at"], shown[-1]["id"]) if len(rows) > limit else None,
        )

    async def message(self, request: Request, id: UUID) -> MessageOut:
        reader = reader_of(request, self._snapshot())
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(READING["message"], id)
            past = await connection.fetch(READING["past_duties"], id)
            timeline = await connection.fetch(READING["timeline"], id)
            refusals = await connection.fetch(READING["refusals_of_message"], id)
        if not reader.administrator:
            # A participant sees its own messages and its own refusals; another's look as if they were not there.
            refusals = [refusal for refusal in refusals if refusal["sender"] == reader.address]
            if row is None or not is_party(reader, row):
                row, timeline = None, []
        if row is None and not refusals:
            raise ProblemError(ProblemType.NOT_FOUND, f"there is no message {id} that this token may see")
        custody = custody_of(row, past, datetime.now(UTC)) if row is not None else []
        return answers.message(id, row, custody, timeline, refusals)

    async def refused(
        self,
        request: Request,
        problem: ProblemSlug = None,
        sender: Account = None,
        limit: Limit = 100,
        after: After = None,
    ) -> RefusalPage:
        reader = reader_of(request, self._snapshot())
        if not reader.administrator and sender not in (None, reader.address):
            raise ProblemError(ProblemType.FORBIDDEN, f"this token sees the refusals of {reader.address} only")
        before = answers.read_entry_cursor(after) if after else _AFTER_ALL_ENTRIES
        slug = problem.removeprefix("urn:huizhi:problem:") if problem else None
        rows = await self._pool.fetch(READING["refusals"], before, reader.address or sender, slug, limit + 1)
        shown = rows[:limit]
        return RefusalPage(
            items=[answers.refusal(row) for row in shown],
            next=answers.cursor(shown[-1]["entry"]) if len(rows) > limit else None,
        )

    async def parked(
        self, request: Request, jurisdiction: Jurisdiction = None, limit: Limit = 100, after: After = None
    ) -> ParkedPage:
        snapshot = self._snapshot()
        reader = reader_of(request, snapshot)
        code = readable_jurisdiction(reader, jurisdiction, snapshot)
        behind = answers.read_entry_cursor(after) if after else -1
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(READING["parked"], behind, at_and_below(code), limit + 1)
            aside = await connection.fetch(READING["set_aside"], _SHOWN_SET_ASIDE) if reader.administrator else []
        shown = rows[:limit]
        return ParkedPage(
            items=[answers.parked_message(row) for row in shown],
            next=answers.cursor(shown[-1]["accepted_entry"]) if len(rows) > limit else None,
            set_aside=[answers.set_aside(row) for row in aside],
        )

    async def conservation(self, request: Request) -> Conservation:
        reader_of(request, self._snapshot())
        # One moment for the size and the check, while the ledger goes on writing.
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            size = await connection.fetchval("SELECT size FROM log_head")
            broken = await broken_cohorts(connection)
        return Conservation(
            holds=not broken,
            at=datetime.now(UTC),
            entries=size,
            broken=[answers.broken_cohort(row) for row in broken],
        )


def _expect_provable(given: Mapping[str, str | None], *, proof: bool) -> None:
    """Raises ProblemError where what is asked for beside ``proof`` is nothing that leaves state."""
    if not proof:
        raise ProblemError(ProblemType.INVALID_REQUEST, "closed goes with proof; /v1/periods has closed figures")
    unprovable = [name for name, value in given.items() if value is not None]
    if unprovable:
        raise ProblemError(
            ProblemType.INVALID_REQUEST,
            f"leaves state a month's totals over all kinds as they stand: leave {', '.join(unprovable)} out, "
            "and name the month as period; or take the proof of each message",
        )


def _month(calendar: Calendar, period: str | None) -> str:
    name = read_span(calendar, period, None, None)[0] or ""
    months = calendar.months(name)
    if months != [name]:
        raise ProblemError(
            ProblemType.INVALID_REQUEST,
            f"a year is proved month by month: ask for {months[0]} to {months[-1]}, and add up what they prove",
        )
    return name
