"""A participant's lists on a real database: what it sent, received and answered, each once, and nothing else."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.ledger.store.queries import READING
from tests.integration.ledger.asking import PARTICIPANT, ask, asking
from tests.integration.ledger.past import DAY, Duty, Past
from tests.unit.ledger.lives import batch, dispatched, query, reply

ASKER, OTHER_ASKER = "410202", "420102"
COUNTY, NEXT, DEPARTMENT = "410102", "410103", "410102.health"
START = datetime(2026, 10, 21, 1, tzinfo=UTC)


async def all_of(client: httpx.AsyncClient, list_: str, participant: str, limit: int = 2, **span: str) -> list[Any]:
    """A list, page by page."""
    items: list[Any] = []
    after: dict[str, str] = {}
    while True:
        page = await ask(client, "messages", list=list_, participant=participant, limit=limit, **span, **after)
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        after = {"after": page["next"]}


async def lived(pool: asyncpg.Pool) -> Past:
    """Two months of queries: answered, handed on, withdrawn, and left alone."""
    past = Past(pool, START)
    chance = random.Random(7)
    for _ in range(8):
        past.now += 6 * DAY
        first = await past.ask(COUNTY, COUNTY, DEPARTMENT, NEXT, sender=chance.choice((ASKER, OTHER_ASKER)))
        past.now += timedelta(hours=1)
        await past.answer(first[0], first[2], outcome=chance.choice(("confirmed", "refused")))
        fate = chance.randrange(3)
        if fate == 0:
            handed_on = await past.forward(first[1], NEXT)
            past.now += timedelta(hours=1)
            await past.answer(handed_on)
        elif fate == 1:
            await past.withdraw(first[3])
    return past


def ids(duties: list[Duty]) -> set[tuple[str, str]]:
    return {(str(duty.query.id), duty.period) for duty in duties}


@pytest.mark.parametrize("period", ["2026-11", "2026-12", "2026"])
async def test_the_lists_are_what_happened(pool: asyncpg.Pool, period: str) -> None:
    past = await lived(pool)
    within = [duty for duty in past.duties if duty.period.startswith(period)]
    async with asking(pool) as client:
        for account in (COUNTY, NEXT, DEPARTMENT, "41"):
            own = [duty for duty in within if duty.address == account]
            received = await all_of(client, "received", account, period=period)
            answered = await all_of(client, "answered", account, period=period)
            assert {(item["id"], item["period"]) for item in received} == ids(own)
            assert {(item["id"], item["period"]) for item in answered} == ids(
                [duty for duty in own if duty.ended_as == "answered"]
            )
            assert len(received) == len(own)
            assert [item["received_at"] for item in received] == sorted(item["received_at"] for item in received)
            states = {item["id"]: item["state"] for item in received}
            assert states == {str(duty.query.id): duty.ended_as or "dispatched" for duty in own}
            figures = await ask(client, "rate", jurisdiction=account, period=period)
            if account == NEXT:
                assert (figures["received"], figures["answered"]) == (len(received), len(answered))
        for account in (ASKER, OTHER_ASKER):
            sent = await all_of(client, "sent", account, period=period)
            first = [duty for duty in within if duty.query.sender == account and duty.number == 0]
            assert {(item["id"], item["period"]) for item in sent} == ids(first)
            assert len(sent) == len(first)


async def test_an_item_says_who_had_it_and_what_was_said(pool: asyncpg.Pool) -> None:
    past = Past(pool, START)
    (duty,) = await past.ask(COUNTY, sender=ASKER)
    past.now += DAY
    partial = reply("answer", duty.query, COUNTY, outcome="partial", arrived_at=past.now)
    await past.take(batch(partial))
    async with asking(pool) as client:
        (item,) = await all_of(client, "received", COUNTY, period="2026-11")
        assert (item["state"], item["answer_id"], item["ended_at"]) == ("partly-answered", str(partial.id), None)
        assert await all_of(client, "answered", COUNTY, period="2026-11") == []
        past.now += DAY
        handed_on = await past.forward(duty, NEXT)
        (item,) = await all_of(client, "received", COUNTY, period="2026-11")
        assert (item["state"], item["answer_id"], item["outcome"]) == ("forwarded", None, None)
        # The part that the one before has told is not this one's.
        (item,) = await all_of(client, "received", NEXT, period="2026-11")
        assert (item["state"], item["answer_id"], item["outcome"]) == ("dispatched", None, None)
        await past.answer(handed_on)
        (item,) = await all_of(client, "answered", NEXT, period="2026-11")
        assert (item["sender"], item["from"], item["to"], item["recipient"]) == (ASKER, ASKER, COUNTY, NEXT)
        assert (item["state"], item["outcome"]) == ("answered", "confirmed")
        (item,) = await all_of(client, "sent", ASKER, period="2026-11")
        assert (item["recipient"], item["state"], item["outcome"]) == (COUNTY, "answered", "confirmed")


async def test_what_nobody_has_received_is_on_no_list_until_somebody_has(pool: asyncpg.Pool) -> None:
    past = Past(pool, START)
    asked = query(COUNTY, ASKER, arrived_at=START)
    await past.take(batch(asked))
    async with asking(pool) as client:
        assert await all_of(client, "sent", asked.sender, from_="2026-10-01") == []
        await past.take(dispatched(asked))
        assert [item["id"] for item in await all_of(client, "sent", asked.sender, period="2026-11")] == [str(asked.id)]


async def test_two_of_the_same_moment_are_both_listed_at_the_edge_of_a_page(pool: asyncpg.Pool) -> None:
    past = Past(pool, START)
    asked = await past.ask(*[COUNTY] * 7)
    async with asking(pool) as client:
        for limit in (1, 3, 7):
            items = await all_of(client, "received", COUNTY, limit, period="2026-11")
            assert sorted(item["id"] for item in items) == sorted(str(duty.query.id) for duty in asked)


async def test_a_participant_sees_its_own_and_those_below(pool: asyncpg.Pool) -> None:
    past = Past(pool, START)
    await past.ask(COUNTY, "420102")
    async with asking(pool, PARTICIPANT) as client:
        assert len(await all_of(client, "received", COUNTY, period="2026-11")) == 1
        own = await client.get("/v1/messages", params={"list": "received", "period": "2026-11"})
        assert own.json()["participant"] == "41"
        other = await client.get("/v1/messages", params={"list": "received", "participant": "420102"})
        assert other.status_code == httpx.codes.FORBIDDEN
        assert "name a participant within it" in other.json()["detail"]
        client.headers.pop("Authorization")
        assert (await client.get("/v1/messages", params={"list": "sent"})).status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"list": "sent"}, "say whose list as participant"),
        ({"participant": "41"}, "query.list: Field required"),
        ({"list": "all", "participant": "41"}, "query.list"),
        ({"list": "sent", "participant": "4"}, "participant is a code like 410102"),
        ({"list": "sent", "participant": "999999"}, "no jurisdiction has or had the code 999999"),
        ({"list": "sent", "participant": "41", "period": "2026-13"}, "a period is written"),
        ({"list": "sent", "participant": "41", "period": "2026-11", "from": "2026-11-01"}, "not both"),
        ({"list": "sent", "participant": "41", "after": "x"}, "after is the member next"),
        ({"list": "sent", "participant": "41", "limit": "0"}, "query.limit"),
    ],
)
async def test_what_cannot_be_listed_is_said(pool: asyncpg.Pool, parameters: dict[str, str], said: str) -> None:
    async with asking(pool) as client:
        answer = await client.get("/v1/messages", params=parameters)
    assert answer.is_client_error
    assert said in answer.json()["detail"]


# A year of a platform in small: forty counties ask each other.
FILLED = """
INSERT INTO message
       (id, type, kind, sender, submitter, origin, written_to, address, recipient, tier, state, batch, commitment,
        arrived_at, accepted_at, accepted_entry, dispatched_at, taken_at, period, duty, forwards, holders, reminded)
SELECT gen_random_uuid(), 'query', 'case.assist', asker, asker, asker, asked, asked, asked, 'provincial', 'answered',
       gen_random_uuid(), 'x', at, at, n, at, at, '2026-01', 0, 0, '{}', 0
  FROM (SELECT n, (410100 + n % 40)::text AS asker, (410100 + (n + 7) % 40)::text AS asked,
               timestamptz '2026-01-01' + n * interval '15 minutes' AS at FROM generate_series(1, 30000) AS n) AS made
"""


@pytest.mark.parametrize(
    ("statement", "index", "more"),
    [
        ("queries_sent", "message_sent", []),
        ("queries_received", "message_received", [False]),
        ("queries_received", "message_received", [True]),
    ],
)
async def test_a_months_list_is_read_by_its_index(database: str, statement: str, index: str, more: list[bool]) -> None:
    owner = await asyncpg.connect(database)
    await owner.execute(FILLED)
    await owner.execute("ANALYZE message")
    start = datetime(2026, 3, 21, tzinfo=UTC)
    arguments = ["410117%", "410117", start, UUID(int=0), start + 30 * DAY, 1001, *more]
    found = await owner.fetch(READING[statement], *arguments)
    plan = nodes(json.loads(await owner.fetchval(f"EXPLAIN (FORMAT JSON) {written(READING[statement], arguments)}")))
    await owner.close()

    assert len(found) == 30 * 24 * 4 // 40
    conditions = {node["Index Name"]: node.get("Index Cond", "") for node in plan if "Index Name" in node}
    assert "~>=~ '410117'" in conditions[index]
    assert "dispatched_at >=" in conditions[index]
    assert "message" not in {node["Relation Name"] for node in plan if node["Node Type"] == "Seq Scan"}


def written(statement: str, arguments: list[Any]) -> str:
    """A statement with its arguments in it: EXPLAIN takes none."""
    for number, argument in reversed(list(enumerate(arguments, 1))):
        quoted = str(argument) if isinstance(argument, bool | int) else f"'{argument}'"
        statement = statement.replace(f"${number}", quoted)
    return statement


def nodes(explained: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The nodes of a plan, flat."""
    plans = [part.get("Plan", part) for part in explained]
    return [node for plan in plans for node in (plan, *nodes(plan.get("Plans", [])))]
