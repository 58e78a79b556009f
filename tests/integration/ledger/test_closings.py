"""Closing months: what is fixed, what it is fixed as of, and that nothing that comes later touches it."""

import random
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from contracts.rates import Figures
from services.ledger.conservation import broken_cohorts, miscounted_cohorts
from tests.integration.ledger.asking import ADMINISTRATOR, PARTICIPANT, ask, asking
from tests.integration.ledger.past import CALENDAR, DAY, Past, live

ADDRESSES = ("410102", "410103", "410103.health", "410202", "4103", "419001")
MONTHS = CALENDAR.months("2025")
SCOPES = ("", "41", "4101", "410103", "410103.health", "4103")


def figures(told: dict[str, Any]) -> Figures:
    return Figures(**{field.name: told[field.name] for field in fields(Figures)})


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [7, 8])
async def test_a_year_of_random_lives_is_closed_as_it_stood_at_each_cut_off_and_adds_up(
    pool: asyncpg.Pool, seed: int
) -> None:
    past = Past(pool, CALENDAR.span("2025").start)
    await live(past, ADDRESSES, MONTHS, seed)
    restated = 0
    async with asking(pool) as client:
        for scope in SCOPES:
            summed = {"closed": Figures(), "present": Figures()}
            for month in MONTHS:
                told = await ask(client, f"periods/{month}", jurisdiction=scope)
                closed, present = figures(told["closed"]), figures(told["present"])
                # Nothing lies below a department, and what is remembered is told apart by how its code begins.
                if "." not in scope:
                    assert closed == past.counted(scope, [month], CALENDAR.cutoff(month)), (scope, month)
                    assert present == past.counted(scope, [month]), (scope, month)
                assert told["restated"] == difference(closed, present)
                assert closed.holds
                assert figures(await ask(client, "rate", jurisdiction=scope, period=month)) == present
                restated += closed != present
                summed = {"closed": summed["closed"] + closed, "present": summed["present"] + present}
            year = await ask(client, "periods/2025", jurisdiction=scope)
            assert {name: figures(year[name]) for name in summed} == summed
            assert year["state"] == "closed"
            assert sum((figures(own) for own in year["closed"]["tiers"].values()), Figures()) == summed["closed"]
            if scope == "41":
                told = await ask(client, "periods/2025/circular", scope=scope, format="json")
                assert (told["status"], told["as_of"]) == ("closed", "2025-12-28T00:00:00+08:00")
                assert figures(told["total"]) == summed["closed"]
        whole = await ask(client, "rate", period="2025")
    assert whole["received"] == await pool.fetchval("SELECT count(*) FROM duty WHERE period = ANY($1)", MONTHS)
    # Lives without late answers would prove nothing.
    assert restated > 10
    async with pool.acquire() as connection:
        assert not await broken_cohorts(connection)
        assert not await miscounted_cohorts(connection)


def difference(closed: Figures, present: Figures) -> dict[str, int]:
    before, now = asdict(closed), asdict(present)
    return {name: now[name] - before[name] for name in before if name != "received"}


async def test_the_cut_off_itself_is_too_late_and_a_late_closing_fixes_the_same(pool: asyncpg.Pool) -> None:
    cut_off = CALENDAR.cutoff("2025-11")
    past = Past(pool, CALENDAR.span("2025-11").end - timedelta(microseconds=1))
    in_time, at_cut_off, after, never = await past.ask(*["410102"] * 4)
    for duty, moment in ((in_time, -timedelta(microseconds=1)), (at_cut_off, timedelta()), (after, 3 * DAY)):
        past.now = cut_off + moment
        await past.answer(duty)
    past.now = cut_off + 60 * DAY
    await past.close("2025-11")
    await past.withdraw(never)

    async with asking(pool) as client:
        told = await ask(client, "periods/2025-11", jurisdiction="41")
    assert told["closed"]["fraction"] == "1/4"
    assert told["present"]["fraction"] == "3/4"
    assert (told["closed"]["unanswered"], told["closed"]["withdrawn"]) == (3, 0)
    assert (told["restated"]["answered"], told["restated"]["withdrawn"]) == (2, 1)
    assert told["as_of"] == told["cut_off"] == "2025-11-27T16:00:00Z"
    assert told["closed_by"] == "administrator"


async def test_a_month_is_closed_once_and_not_before_its_cut_off_and_a_year_never_by_itself(pool: asyncpg.Pool) -> None:
    past = Past(pool, CALENDAR.span("2025-11").start)
    await past.ask("410102")
    past.now = CALENDAR.cutoff("2025-11") - timedelta(microseconds=1)
    await past.close("2025-11")
    assert await pool.fetchval("SELECT count(*) FROM closing") == 0
    past.now = CALENDAR.cutoff("2025")
    for period in ("2025-11", "2025-11", "2025"):
        await past.close(period)
    assert [row["period"] for row in await pool.fetch("SELECT period FROM closing")] == ["2025-11"]
    assert await pool.fetchval("SELECT count(*) FROM entry WHERE event = 'closed'") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE closing SET as_of = now()",
        "DELETE FROM closing",
        "TRUNCATE closing CASCADE",
        "UPDATE closed_cohort SET answered = received",
        "DELETE FROM closed_cohort",
        "TRUNCATE closed_cohort",
    ],
)
async def test_what_is_fixed_cannot_be_changed_by_the_service_or_the_owner(
    pool: asyncpg.Pool, database: str, statement: str
) -> None:
    past = Past(pool, CALENDAR.span("2025-11").start)
    await past.ask("410102")
    past.now = CALENDAR.cutoff("2025-11")
    await past.close("2025-11")
    owner = await asyncpg.connect(database)
    for connection in (owner, pool):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await owner.close()


async def test_who_may_not_close_or_what_cannot_be_closed_is_told_why(pool: asyncpg.Pool) -> None:
    past = Past(pool, CALENDAR.span("2025-11").start)
    await past.ask("410102")
    past.now = CALENDAR.cutoff("2025-11")
    await past.close("2025-11")
    now = datetime.now(UTC)
    present = CALENDAR.period_of(now)
    async with asking(pool) as client:
        told = {
            (period, token["Authorization"]): (await client.post(f"/v1/periods/{period}/close", headers=token)).json()
            for period, token in (
                ("2025-11", PARTICIPANT),
                ("2025-11", ADMINISTRATOR),
                (present, ADMINISTRATOR),
                ("2025", ADMINISTRATOR),
                ("2025-13", ADMINISTRATOR),
            )
        }
    problems = [problem["type"].rpartition(":")[2] for problem in told.values()]
    assert problems == ["forbidden", "period-closed", "period-not-over", "invalid-request", "invalid-request"]
    cut_off = CALENDAR.cutoff(present).astimezone(CALENDAR.zone).isoformat()
    assert any(cut_off in problem["detail"] for problem in told.values())


async def test_the_list_says_what_is_open_over_and_closed_and_from_when_to_when(pool: asyncpg.Pool) -> None:
    past = Past(pool, CALENDAR.span("2025-11").start)
    await past.ask("410102")
    past.now = CALENDAR.cutoff("2025-11")
    await past.close("2025-11")
    async with asking(pool) as client:
        told = await ask(client, "periods", count=40)
    by_name = {period["period"]: period for period in [*told["months"], *told["years"]]}
    states = {name: by_name[name]["state"] for name in ("2025-10", "2025-11", "2025", told["months"][0]["period"])}
    assert list(states.values()) == ["over", "closed", "over", "open"]
    assert (by_name["2025-11"]["from"], by_name["2025-11"]["to"]) == ("2025-10-20T16:00:00Z", "2025-11-20T16:00:00Z")
    assert by_name["2025-11"]["entry"] == await pool.fetchval("SELECT entry FROM closing")
    assert by_name["2025"]["open_months"] == [month for month in MONTHS if month != "2025-11"]


async def test_a_participant_sees_its_own_territory_and_no_other(pool: asyncpg.Pool) -> None:
    past = Past(pool, CALENDAR.span("2025-11").start)
    await past.ask("410102", "420102")
    async with asking(pool, PARTICIPANT) as client:
        assert (await ask(client, "periods/2025-11"))["present"]["received"] == 1
        for path in ("periods/2025-11?jurisdiction=42", "periods/2025-11/circular?scope="):
            assert (await client.get(f"/v1/{path}")).status_code == httpx.codes.FORBIDDEN


async def test_restatements_do_not_depend_on_the_order_of_closings(pool: asyncpg.Pool) -> None:
    past = Past(pool, CALENDAR.span("2025-09").start)
    for month in ("2025-09", "2025-10"):
        past.now = CALENDAR.span(month).start + DAY
        asked = await past.ask(*["410102"] * 5)
        past.now += DAY
        await past.answer(*asked[:3])
    past.now = CALENDAR.cutoff("2025-12")
    await past.answer(*[duty for duty in past.duties if duty.ended_at is None])
    for month in random.Random(1).sample(["2025-09", "2025-10"], 2):
        await past.close(month)
    async with asking(pool) as client:
        for month in ("2025-09", "2025-10"):
            told = await ask(client, f"periods/{month}")
            assert (told["closed"]["fraction"], told["present"]["fraction"]) == ("3/5", "5/5")
