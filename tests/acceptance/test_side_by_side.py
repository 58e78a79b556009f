"""Two exchanges on one machine at one time. The second stands on the PostgreSQL that Debian ships."""

import asyncio

import asyncpg
import httpx

from tests.acceptance.drafts import answer, query
from tests.acceptance.exchange import Exchange
from tests.acceptance.participant import Participant


async def test_a_second_exchange_sends_answers_and_counts_on_debians_postgresql(neighbour: Exchange) -> None:
    connection = await asyncpg.connect(neighbour.stack["database_url"])
    version = await connection.fetchval("SHOW server_version")
    await connection.close()
    assert "Debian" in version
    assert neighbour.book.get("database") is None

    here, there = [await neighbour.add_participant(address) for address in ("430102", "520102")]
    assert await ask_and_answer(neighbour, here, there, [query(here.address) for _ in range(3)]) == "3/3"
    await neighbour.conserves()


async def test_two_exchanges_do_not_touch_each_other(exchange: Exchange, neighbour: Exchange) -> None:
    here, there = exchange.county("46"), exchange.county("50")
    namesakes = [await neighbour.add_participant(one.address) for one in (here, there)]
    before = await neighbour.see("rate", jurisdiction=here.address)
    assert before["received"] == 0

    # The same ids and addresses on both, at the same time, and one more on the second.
    drafts = [query(here.address) for _ in range(50)]
    only_there = query(here.address)
    fractions = await asyncio.gather(
        ask_and_answer(exchange, here, there, drafts),
        ask_and_answer(neighbour, namesakes[0], namesakes[1], [*drafts, only_there]),
    )

    assert list(fractions) == ["50/50", "51/51"]
    assert await exchange.state(only_there["id"]) is None
    assert await neighbour.state(only_there["id"]) == "answered"
    for stranger, at in ((namesakes[0], exchange), (here, neighbour)):
        assert (await at.ask("rate", stranger.token)).status_code == httpx.codes.UNAUTHORIZED
    await exchange.conserves()
    await neighbour.conserves()


async def ask_and_answer(
    exchange: Exchange, recipient: Participant, sender: Participant, drafts: list[dict[str, object]]
) -> str:
    """The recipient's rate, as a fraction, once all has been asked and answered."""
    async with exchange.desks(recipient, sender) as (asked, asker):
        await asker.publish_all(drafts)
        await asked.receives(*(str(draft["id"]) for draft in drafts))
        replies = [answer(str(draft["id"])) for draft in drafts]
        await asked.publish_all(replies)
        await asker.receives(*(reply["id"] for reply in replies))
        rate = await exchange.see("rate", jurisdiction=recipient.address)
    return str(rate["fraction"])
