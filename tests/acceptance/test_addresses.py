"""Where a message goes: to the nearest participant, along successors, otherwise into parking, where it is listed."""

from typing import Any

import aiormq.exceptions
import httpx
import pytest

from contracts.problems import ProblemType
from tests.acceptance.drafts import notice, query
from tests.acceptance.exchange import Exchange
from tests.acceptance.participant import Desk, Participant
from tests.acceptance.waiting import until


async def test_an_address_without_an_account_is_served_by_the_nearest_one_above(exchange: Exchange) -> None:
    sender, county = exchange.county("50"), exchange.this_county("640181")
    province = await exchange.add_participant("63")
    async with exchange.desks(sender, county, province) as (asker, lingwu, qinghai):
        for address in ("640181", "640181001", "640181.health", "640181001.health"):
            await expect_arrival(exchange, asker, lingwu, address)
        # No county of Qinghai (63) is a participant.
        for address in ("63", "6301", "630102", "630102001", "630102.education"):
            await expect_arrival(exchange, asker, qinghai, address)

        xining = await exchange.add_participant("6301")
        department = await exchange.add_participant("640181.health")
        async with exchange.desks(xining, department) as (prefecture, health):
            for address in ("6301", "630102", "630102001"):
                await expect_arrival(exchange, asker, prefecture, address)
            for address in ("63", "630225"):
                await expect_arrival(exchange, asker, qinghai, address)
            await expect_arrival(exchange, asker, health, "640181.health")
            await expect_arrival(exchange, asker, lingwu, "640181")
            await expect_arrival(exchange, asker, lingwu, "640181.education")


async def test_a_retired_code_reaches_the_inbox_of_its_successor(exchange: Exchange) -> None:
    sender, successor = exchange.county("50"), exchange.this_county("640221")
    resolved = await exchange.huizhi("directory", "resolve", "640222")
    assert (resolved["status"], resolved["address"]) == ("successor", "640221")

    async with exchange.desks(sender, successor) as (asker, pingluo):
        arrived = await expect_arrival(exchange, asker, pingluo, "640222.health")

    assert arrived["to"] == "640222.health"
    assert arrived["address"] == "640221.health"
    rate = await exchange.see("rate", jurisdiction="640221")
    assert (rate["received"], rate["unanswered"]) == (1, 1)


async def test_a_retired_code_without_a_successor_is_parked_with_its_reason_and_listed(exchange: Exchange) -> None:
    resolved = await exchange.huizhi("directory", "resolve", "640103")
    assert (resolved["status"], resolved["address"]) == ("retired", None)
    async with exchange.desks(exchange.county("50")) as (asker,):
        asked = query("640103")
        await asker.publish(asked)
        message = await exchange.until_state(asked["id"], "parked")

        assert message["parked_reason"] == "retired-without-successor"
        (listed,) = [one for one in await parked(exchange) if one["id"] == asked["id"]]
        assert (listed["reason"], listed["to"], listed["from"]) == (
            "retired-without-successor",
            "640103",
            asker.address,
        )
        # Its sender sees it as well, and nobody who has nothing to do with it.
        own = await exchange.see("parked", asker.participant.token)
        assert asked["id"] in [one["id"] for one in own["items"]]
        other = await exchange.see("parked", exchange.county("50").token)
        assert other == {"items": [], "next": None, "set_aside": []}


async def test_what_nobody_serves_is_parked_and_delivered_when_a_participant_is_added(exchange: Exchange) -> None:
    async with exchange.desks(exchange.county("50")) as (asker,):
        waiting = [query("540102"), notice("540102.health"), query("54")]
        await asker.publish_all(waiting)
        for draft in waiting:
            assert (await exchange.until_state(draft["id"], "parked"))["parked_reason"] == "no-participant"
        before = await exchange.see("rate", jurisdiction="54")
        assert (before["received"], before["rate"]) == (0, None)

        async with exchange.desks(await exchange.add_participant("5401")) as (lhasa,):
            await lhasa.receives(waiting[0]["id"], waiting[1]["id"])
            assert waiting[2]["id"] not in lhasa.inbox.messages
    for draft in waiting[:2]:
        message = await exchange.until_state(draft["id"], "dispatched")
        assert message["recipient"] == "5401"
        assert [entry["event"] for entry in message["entries"]] == ["accepted", "parked", "dispatched"]
    assert await exchange.state(waiting[2]["id"]) == "parked"
    after = await exchange.see("rate", jurisdiction="54")
    assert (after["received"], after["unanswered"]) == (1, 1)
    await exchange.conserves()


async def test_a_disabled_participant_sends_and_gets_nothing_keeps_its_inbox_and_comes_back(exchange: Exchange) -> None:
    sender, subject = exchange.county("50"), exchange.county("46")
    async with exchange.desks(sender) as (asker,):
        kept = query(subject.address)
        await asker.publish(kept)
        await exchange.until_state(kept["id"], "dispatched")

        disabled = await exchange.huizhi("participant", "disable", subject.address)
        assert disabled["status"] == "disabled"
        held = await until_parked(exchange, asker, f"{subject.address}.health", "participant-disabled")
        await expect_no_sending(exchange, subject, asker.address)

        async with exchange.desks(subject) as (returned,):
            # It may empty its inbox, which was kept.
            await returned.receives(kept["id"])
            assert held not in returned.inbox.messages

            await exchange.huizhi("participant", "enable", subject.address)
            await returned.receives(held)
        await exchange.until_known(subject)
        async with exchange.desks(subject) as (returned,):
            sent = query(asker.address)
            await returned.publish(sent)
            await asker.receives(sent["id"])
    await exchange.conserves()


async def expect_arrival(exchange: Exchange, sender: Desk, recipient: Desk, address: str) -> dict[str, Any]:
    """What the ledger says of a query to ``address`` that has arrived there."""
    asked = query(address)
    await sender.publish(asked)
    arrived = await recipient.receives(asked["id"])
    assert arrived.headers["to"] == address
    assert arrived.headers["from"] == sender.address
    assert arrived.headers["tier"] == "national"
    message = await exchange.until_state(asked["id"], "dispatched")
    assert message["recipient"] == recipient.address
    return message


async def parked(exchange: Exchange) -> list[dict[str, Any]]:
    return [one async for page in exchange.pages("parked", limit=2) for one in page]


async def until_parked(exchange: Exchange, sender: Desk, address: str, reason: str) -> str:
    """Ask ``address`` until a query is parked for ``reason``, and return its id: the router looks at the registry once
    a second.
    """
    asked: list[str] = []

    async def is_parked() -> bool:
        draft = query(address)
        await sender.publish(draft)
        asked.append(draft["id"])
        message = await exchange.until_settled(draft["id"])
        return bool(message["parked_reason"] == reason)

    await until(f"{address} is {reason}", is_parked)
    return asked[-1]


async def expect_no_sending(exchange: Exchange, subject: Participant, to: str) -> None:
    """Neither door lets it send; the broker says so itself."""
    async with exchange.desk_without_inbox(subject) as desk:

        async def is_refused() -> bool:
            answered = await desk.post(query(to))
            return answered.status_code == httpx.codes.FORBIDDEN and bool(
                answered.json()["type"] == ProblemType.SENDER_DISABLED.urn
            )

        await until("the gateway refuses it", is_refused)
        with pytest.raises(aiormq.exceptions.ChannelAccessRefused):
            await desk.publish(query(to))
