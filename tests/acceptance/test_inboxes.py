"""An inbox that is full or gone holds up nobody else, and what waited for it arrives once it can."""

from typing import Any
from urllib.parse import quote

import aio_pika
import httpx

from tests.acceptance.drafts import LARGEST_PAYLOAD_BYTES, payload, query
from tests.acceptance.exchange import Exchange

SMALLEST_INBOX = {"HUIZHI_QUEUE_INBOX_BYTES": str(1024**2)}
MORE_THAN_IT_HOLDS = 12


async def test_a_full_inbox_parks_its_messages_while_others_are_served(exchange: Exchange) -> None:
    full = await exchange.add_participant("640302.health", **SMALLEST_INBOX)
    async with exchange.desks(exchange.county("50"), exchange.county("46")) as (sender, other):
        large = [query(full.address, payload=payload(LARGEST_PAYLOAD_BYTES)) for _ in range(MORE_THAN_IT_HOLDS)]
        await sender.publish_all(large)
        small = [query(other.address) for _ in range(20)]
        await sender.publish_all(small)
        await other.receives(*(draft["id"] for draft in small))
        states = await settled(exchange, large)
        assert set(states.values()) == {"dispatched", "parked"}
        waiting = [id for id, state in states.items() if state == "parked"]
        assert {one["reason"] for one in await parked(exchange, waiting)} == {"inbox-full"}
        rate = await exchange.see("rate", jurisdiction=full.address)
        assert rate["received"] == MORE_THAN_IT_HOLDS - len(waiting)

        async with exchange.desks(full) as (reader,):
            await reader.receives(*states, within_s=60)
            assert {id: len(reader.inbox.messages[id]) for id in states} == dict.fromkeys(states, 1)
    for id in waiting:
        await exchange.until_state(id, "dispatched")
    assert (await exchange.see("rate", jurisdiction=full.address))["received"] == MORE_THAN_IT_HOLDS
    assert await parked(exchange, waiting) == []
    await exchange.conserves()


async def test_an_inbox_that_was_deleted_parks_its_messages_until_it_is_there_again(exchange: Exchange) -> None:
    gone, other = exchange.county("46"), exchange.county("46")
    definition = await inbox_definition(exchange, gone.address)
    async with exchange.desks(exchange.county("50"), other) as (sender, served):
        async with await aio_pika.connect(exchange.stack["amqp_url"]) as connection:
            channel = await connection.channel()
            await channel.queue_delete(f"inbox.{gone.address}")
            waiting, small = [query(gone.address) for _ in range(20)], query(other.address)
            await sender.publish_all([*waiting, small])
            await served.receives(small["id"])
            states = await settled(exchange, waiting)
            assert set(states.values()) == {"parked"}
            assert {one["reason"] for one in await parked(exchange, list(states))} == {"inbox-gone"}
            assert (await exchange.see("rate", jurisdiction=gone.address))["received"] == 0

        await exchange.huizhi("participant", "restore", gone.address)
        assert await inbox_definition(exchange, gone.address) == definition
        async with exchange.desks(gone) as (reader,):
            await reader.receives(*states)
            assert {id: len(reader.inbox.messages[id]) for id in states} == dict.fromkeys(states, 1)
    await exchange.conserves()


async def settled(exchange: Exchange, drafts: list[dict[str, Any]]) -> dict[str, str]:
    """The state of each message by its id, once the router has dealt with all of them."""
    return {draft["id"]: (await exchange.until_settled(draft["id"]))["state"] for draft in drafts}


async def parked(exchange: Exchange, ids: list[str]) -> list[dict[str, Any]]:
    return [one async for page in exchange.pages("parked") for one in page if one["id"] in ids]


async def inbox_definition(exchange: Exchange, address: str) -> dict[str, Any]:
    """The arguments that an inbox was made with, as an operator sees them."""
    vhost = exchange.stack["amqp_url"].rpartition("/")[2]
    answer = await exchange.broker_api.get(f"/api/queues/{quote(vhost, safe='')}/inbox.{address}")
    assert answer.status_code == httpx.codes.OK, answer.text
    arguments: dict[str, Any] = answer.json()["arguments"]
    return arguments
