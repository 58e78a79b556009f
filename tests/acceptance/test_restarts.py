"""Any part may be killed in the middle of it: 714 queries are received on each tier and 713 answered, none twice."""

import asyncio
import signal
from collections.abc import Sequence

import httpx
import pytest

from services.cli.stack.processes import ProcessIdentity
from tests.acceptance.drafts import Draft, query
from tests.acceptance.exchange import Exchange
from tests.acceptance.participant import Participant
from tests.acceptance.steadfast import Answering, Flow, answer_id, post_all
from tests.acceptance.waiting import until

QUERIES = 714
SENDERS_A_TIER = 3
KILLED_AFTER = 300
AHEAD = 250
RECOVERS_WITHIN_S = 240

EXPECTED = {
    "received": 714,
    "answered": 713,
    "on_time": 713,
    "on_time_original": 713,
    "substantive": 713,
    "unanswered": 1,
    "withdrawn": 0,
    "forwarded": 0,
    "rate": "99.86",
    "fraction": "713/714",
}


@pytest.fixture(scope="module")
def senders(exchange: Exchange) -> list[Participant]:
    """Places of origin: the first ones in the recipient's own province, the others in another one."""
    return [exchange.county(province) for province in ("46", "50") for _ in range(SENDERS_A_TIER)]


@pytest.mark.parametrize("victim", ["gateway", "router", "ledger", "database", "broker"])
async def test_a_part_that_is_killed_in_the_middle_loses_nothing_and_counts_nothing_twice(
    exchange: Exchange, senders: Sequence[Participant], victim: str
) -> None:
    recipient = exchange.county("46")
    batches = [[query(recipient.address) for _ in range(QUERIES // SENDERS_A_TIER)] for _ in senders]
    left = {batches[0][-1]["id"], batches[-1][-1]["id"]}
    answering = Answering(recipient, left)
    flow = Flow(AHEAD, lambda: len(answering.received))

    async with asyncio.TaskGroup() as group:
        working = group.create_task(answering.work())
        for sender, batch in zip(senders, batches, strict=True):
            group.create_task(post_all(sender, batch, flow))
        await until("the run is in the middle", lambda: len(answering.received) >= KILLED_AFTER)
        killed = kill(exchange, victim)
        assert len(answering.received) < QUERIES
        await until_right(exchange, recipient.address)
        working.cancel()

    await expect_restarted(exchange, killed)
    posted = {draft["id"] for batch in batches for draft in batch}
    assert answering.received.keys() == posted
    await expect_answers(exchange, senders, batches, left)
    unanswered = await exchange.see("unanswered", jurisdiction=recipient.address)
    assert {one["id"] for one in unanswered["items"]} == left
    assert (await exchange.see("parked"))["set_aside"] == []
    await exchange.conserves()


def kill(exchange: Exchange, victim: str) -> ProcessIdentity:
    """Do what ``kill -9`` does."""
    process = exchange.book[victim]
    assert process.send(signal.SIGKILL)
    return process


async def until_right(exchange: Exchange, address: str) -> None:
    """Wait until the ledger says 713/714 for both tiers."""
    tiers: dict[str, object] = {}

    async def is_right() -> bool:
        try:
            answered = await exchange.ask("rate", jurisdiction=address)
        except httpx.TransportError:
            return False
        if answered.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            assert answered.status_code == httpx.codes.OK, answered.text
            tiers.update(answered.json()["tiers"])
        return tiers == {"provincial": EXPECTED, "national": EXPECTED}

    try:
        await until("713/714 on both tiers", is_right, within_s=RECOVERS_WITHIN_S)
    except AssertionError as error:
        raise AssertionError(f"{error}: {tiers}") from None


async def expect_restarted(exchange: Exchange, killed: ProcessIdentity) -> None:
    """The part that was killed runs again, and everything is ready."""
    await until("everything is ready again", exchange.is_ready, within_s=RECOVERS_WITHIN_S)
    assert not killed.is_alive()
    assert exchange.book[killed.name].is_alive()
    assert f"{killed.name} was ended by SIGKILL" in exchange.messages()


async def expect_answers(
    exchange: Exchange, senders: Sequence[Participant], batches: Sequence[Sequence[Draft]], left: set[str]
) -> None:
    """Each sender has the answers to its own queries, and none to the two that were left."""
    async with exchange.desks(*senders) as desks:
        for desk, batch in zip(desks, batches, strict=True):
            await desk.receives(*(answer_id(draft["id"]) for draft in batch if draft["id"] not in left))
            assert not any(desk.inbox.has([answer_id(id)]) for id in left)
