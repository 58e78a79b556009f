"""The figures: who was asked and who asked, by tier, period and moment, and what is behind the difference."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from contracts.problems import ProblemType
from tests.acceptance.drafts import Draft, answer, notice, query
from tests.acceptance.exchange import Exchange
from tests.acceptance.participant import Desk
from tests.acceptance.waiting import until

PROVINCES = [
    line.partition(",")[0]
    for line in files("contracts").joinpath("data/divisions.csv").read_text("utf-8").splitlines()
    if line.split(",")[2] == "province"
]

PLATFORM_ZONE = ZoneInfo("Asia/Shanghai")
NOTHING = {
    "received": 0,
    "answered": 0,
    "on_time": 0,
    "unanswered": 0,
    "withdrawn": 0,
    "forwarded": 0,
    "on_time_original": 0,
    "substantive": 0,
    "rate": None,
    "fraction": "0/0",
}


def figures(received: int, answered: int, rate: str) -> dict[str, Any]:
    """What is said of queries that were answered on time, and with something to say, or not at all."""
    counts = {"received": received, "answered": answered, "unanswered": received - answered}
    good = dict.fromkeys(("on_time", "on_time_original", "substantive"), answered)
    return {**NOTHING, **counts, **good, "rate": rate, "fraction": f"{answered}/{received}"}


async def ask_and_answer(asker: Desk, asked: Desk, count: int, answered: int, **changes: Any) -> list[Draft]:
    """``count`` queries that have arrived, oldest first, of which the first ``answered`` have answers that arrived."""
    queries = [query(asked.address, **changes) for _ in range(count)]
    await asker.publish_all(queries)
    await asked.receives(*(draft["id"] for draft in queries))
    replies = [answer(draft["id"]) for draft in queries[:answered]]
    await asked.publish_all(replies)
    if replies:
        await asker.receives(*(draft["id"] for draft in replies))
    return queries


def only_figures(rate: dict[str, Any]) -> dict[str, Any]:
    return {name: rate[name] for name in NOTHING}


async def test_rates_are_told_by_tier_for_the_one_asked_and_for_the_askers(exchange: Exchange) -> None:
    district, near, far = exchange.county("46"), exchange.county("46"), exchange.county("50")
    async with exchange.desks(district, near, far) as (asked, provincial, national):
        assert only_figures(await exchange.see("rate", jurisdiction=asked.address)) == NOTHING
        await ask_and_answer(provincial, asked, 3, 2)
        await ask_and_answer(national, asked, 7, 6)
        # Nobody owes an answer to a notice.
        told = notice(asked.address)
        await national.publish(told)
        await asked.receives(told["id"])
        await exchange.until_state(told["id"], "dispatched")

        rate = await exchange.see("rate", jurisdiction=asked.address)
        assert only_figures(rate) == figures(10, 8, "80.00")
        assert rate["tiers"] == {"provincial": figures(3, 2, "66.67"), "national": figures(7, 6, "85.71")}
        for tier, expected in rate["tiers"].items():
            one = await exchange.see("rate", jurisdiction=asked.address, tier=tier)
            assert only_figures(one) == expected
        for desk, expected in ((provincial, figures(3, 2, "66.67")), (national, figures(7, 6, "85.71"))):
            sent = await exchange.see("rate", jurisdiction=desk.address, role="sender")
            assert only_figures(sent) == expected
            assert only_figures(await exchange.see("rate", jurisdiction=desk.address)) == NOTHING
    await exchange.conserves()


async def test_queries_go_in_each_direction_over_both_tiers_and_between_levels(exchange: Exchange) -> None:
    here, there, far = exchange.county("46"), exchange.county("46"), exchange.county("50")
    above = await exchange.add_participant("46")
    async with exchange.desks(here, there, far, above) as (one, two, three, province):
        pairs = [(one, two, "provincial"), (one, three, "national"), (one, province, "provincial")]
        pairs += [(province, three, "national")]
        for left, right, tier in pairs:
            for asker, asked in ((left, right), (right, left)):
                (sent,) = await ask_and_answer(asker, asked, 1, 1)
                assert asked.inbox.messages[sent["id"]][0].headers["tier"] == tier
                message = await exchange.see(f"messages/{sent['id']}")
                assert (message["tier"], message["state"], message["recipient"]) == (tier, "answered", asked.address)
    await exchange.conserves()


async def test_a_code_has_the_figures_of_itself_and_all_below_it(exchange: Exchange) -> None:
    async with exchange.desks(exchange.this_county("640422"), exchange.county("50")) as (asked, asker):
        await ask_and_answer(asker, asked, 3, 1)
        below = [query("640422100"), query("640422.health")]
        await asker.publish_all(below)
        await asked.receives(*(draft["id"] for draft in below))
        for draft in below:
            await exchange.until_state(draft["id"], "dispatched")

        assert (await exchange.see("rate", jurisdiction="640422"))["received"] == 5
        assert (await exchange.see("rate", jurisdiction="640422100"))["received"] == 1
        assert (await exchange.see("rate", jurisdiction="640422.health"))["received"] == 1
        for role in ("recipient", "sender"):
            guyuan = await exchange.see("rate", jurisdiction="6404", role=role)
            districts = ["640402", "640422", "640423", "640424", "640425"]
            parts = [await exchange.see("rate", jurisdiction=code, role=role) for code in districts]
            assert summed(parts) == counts_of(guyuan)

        async def adds_up() -> bool:
            # What other tests have sent may still be on its way, and be received between two questions.
            whole = await exchange.see("rate")
            return summed([await exchange.see("rate", jurisdiction=code) for code in PROVINCES]) == counts_of(whole)

        await until("the provinces add up to the whole", adds_up)


async def test_a_department_has_its_own_figures_and_not_those_of_one_with_a_longer_name(exchange: Exchange) -> None:
    async with exchange.desks(exchange.this_county("640423"), exchange.county("50")) as (asked, asker):
        sent = [query("640423.health"), query("640423.health-insurance"), query("640423.health-insurance")]
        await asker.publish_all(sent)
        await asked.receives(*(draft["id"] for draft in sent))
        for draft in sent:
            await exchange.until_state(draft["id"], "dispatched")

        health = await exchange.see("rate", jurisdiction="640423.health")
        assert health["received"] == 1
        spans = await exchange.see("rate", jurisdiction="640423.health", from_=day_of(datetime.now(UTC), -1))
        assert spans["received"] == 1
        listed = await exchange.see("unanswered", jurisdiction="640423.health")
        assert [one["id"] for one in listed["items"]] == [sent[0]["id"]]


async def test_rates_are_told_by_period_by_span_and_as_of_a_moment(exchange: Exchange) -> None:
    async with exchange.desks(exchange.county("46"), exchange.county("50")) as (asked, asker):
        (first,) = await ask_and_answer(asker, asked, 1, 0)
        one = await exchange.until_state(first["id"], "dispatched")
        reply = answer(first["id"])
        await asked.publish(reply)
        await asker.receives(reply["id"])
        (second,) = await ask_and_answer(asker, asked, 1, 0)
        two = await exchange.until_state(second["id"], "dispatched")
        one = await exchange.see(f"messages/{first['id']}")
        received, closed, later = (moment(m) for m in (one["dispatched_at"], one["closed_at"], two["dispatched_at"]))

        async def told(**parameters: str) -> tuple[int, int]:
            rate = await exchange.see("rate", jurisdiction=asked.address, **parameters)
            assert rate["unanswered"] == rate["received"] - rate["answered"]
            return rate["received"], rate["answered"]

        assert await told() == (2, 1)
        assert await told(period=one["period"]) == (2, 1)
        assert await told(period=one["period"][:4]) == (2, 1)
        assert await told(period="2001-02") == (0, 0)
        assert await told(as_of=(received - timedelta(microseconds=1)).isoformat()) == (0, 0)
        assert await told(as_of=received.isoformat()) == (1, 0)
        assert await told(as_of=closed.isoformat()) == (1, 1)
        assert await told(as_of=later.isoformat()) == (2, 1)
        assert await told(from_=received.isoformat(), to=later.isoformat()) == (1, 1)
        assert await told(from_=later.isoformat()) == (1, 0)
        assert await told(from_=day_of(received, -2), to=day_of(received, -1)) == (0, 0)
        assert await told(from_=day_of(received, -1), to=day_of(received, 1)) == (2, 1)
        sent = await exchange.see("rate", jurisdiction=asker.address, role="sender", as_of=received.isoformat())
        assert (sent["received"], sent["answered"]) == (1, 0)


async def test_what_is_unanswered_is_listed_oldest_first_page_by_page_with_its_deadline(exchange: Exchange) -> None:
    async with exchange.desks(exchange.county("46"), exchange.county("50")) as (asked, asker):
        sent = []
        for _ in range(5):
            sent += await ask_and_answer(asker, asked, 2, 1)
        expected = [draft["id"] for draft in sent[1::2]]

        pages = [page async for page in exchange.pages("unanswered", jurisdiction=asked.address, limit=2)]
        listed = [one for page in pages for one in page]
        assert [len(page) for page in pages] == [2, 2, 1]
        assert [one["id"] for one in listed] == expected
        assert [one["dispatched_at"] for one in listed] == sorted(one["dispatched_at"] for one in listed)
        for one in listed:
            due = moment(f"{one['due']}T00:00+08:00") - moment(one["dispatched_at"])
            assert timedelta(days=29) <= due <= timedelta(days=30)
            assert (one["overdue"], one["from"], one["tier"]) == (False, asker.address, "national")
        assert (await exchange.see("unanswered", jurisdiction=asked.address, tier="provincial"))["items"] == []
        # A participant's own list is what it is shown when it names no jurisdiction.
        own = await exchange.see("unanswered", asked.participant.token)
        assert [one["id"] for one in own["items"]] == expected


async def test_a_participant_reads_its_own_territory_and_no_other(exchange: Exchange) -> None:
    own, neighbour = exchange.this_county("640521"), exchange.this_county("640502")
    for path in ("rate", "unanswered", "parked"):
        for within in ("640521", "640521100", "640521.health"):
            assert (await exchange.ask(path, own.token, jurisdiction=within)).status_code == httpx.codes.OK
        for outside in (neighbour.address, "6405", "64", "", "50"):
            expect_problem(await exchange.ask(path, own.token, jurisdiction=outside), ProblemType.FORBIDDEN)
        expect_problem(await exchange.ask(path, "wrong"), ProblemType.UNAUTHENTICATED)
    expect_problem(await exchange.ask("refused", own.token, sender=neighbour.address), ProblemType.FORBIDDEN)
    async with exchange.desks(neighbour, exchange.county("50")) as (asked, asker):
        (sent,) = await ask_and_answer(asker, asked, 1, 0)
        await exchange.until_state(sent["id"], "dispatched")
        assert (await exchange.ask(f"messages/{sent['id']}", asked.participant.token)).status_code == httpx.codes.OK
        assert (await exchange.ask(f"messages/{sent['id']}", asker.participant.token)).status_code == httpx.codes.OK
        expect_problem(await exchange.ask(f"messages/{sent['id']}", own.token), ProblemType.NOT_FOUND)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"jurisdiction": "4101022"}, ProblemType.MALFORMED_ADDRESS),
        ({"jurisdiction": "990000"}, ProblemType.UNKNOWN_ADDRESS),
        ({"period": "2026-13"}, ProblemType.INVALID_REQUEST),
        ({"period": "2026-11", "from_": "2026-11-01"}, ProblemType.INVALID_REQUEST),
        ({"from_": "2026-11-02", "to": "2026-10-01"}, ProblemType.INVALID_REQUEST),
        ({"as_of": "yesterday"}, ProblemType.INVALID_REQUEST),
        ({"tier": "global"}, ProblemType.INVALID_REQUEST),
        ({"role": "witness"}, ProblemType.INVALID_REQUEST),
    ],
    ids=str,
)
async def test_a_question_that_makes_no_sense_is_a_problem(
    exchange: Exchange, parameters: dict[str, str], problem: ProblemType
) -> None:
    expect_problem(await exchange.ask("rate", **parameters), problem)


def expect_problem(answered: httpx.Response, problem: ProblemType) -> None:
    assert answered.status_code == problem.status, answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["type"] == problem.urn


def counts_of(rate: dict[str, Any]) -> dict[str, int]:
    return {name: value for name, value in only_figures(rate).items() if isinstance(value, int)}


def summed(rates: Sequence[dict[str, Any]]) -> dict[str, int]:
    counts = [counts_of(rate) for rate in rates]
    return {name: sum(count[name] for count in counts) for name in counts[0]}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def day_of(at: datetime, offset: int) -> str:
    """A day as the platform's calendar has it, so many days before or after a moment."""
    return (at.astimezone(PLATFORM_ZONE).date() + timedelta(days=offset)).isoformat()
