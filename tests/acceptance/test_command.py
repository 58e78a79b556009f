"""The `huizhi` command, as operators and their scripts use it."""

import json
from typing import Any

from contracts.problems import ProblemType
from tests.acceptance.drafts import MARKER, query
from tests.acceptance.exchange import Exchange


async def test_a_query_is_sent_seen_answered_and_counted_by_commands_alone(exchange: Exchange) -> None:
    asked, asker = exchange.county("46").address, exchange.county("50").address
    empty = await exchange.prints("rate", asked)
    assert "–" in empty
    assert "%" not in empty
    payload = json.dumps({"subject": MARKER})

    sent = await exchange.huizhi("send", asked, "--from", asker, "--kind", "case.assist", "--payload", payload)
    await exchange.until_state(sent["id"], "dispatched")
    assert [one["id"] for one in (await exchange.huizhi("unanswered", asked))["items"]] == [sent["id"]]
    inbox = json.dumps(await exchange.huizhi("inbox", asked))
    assert sent["id"] in inbox
    assert MARKER not in inbox
    await exchange.huizhi("answer", sent["id"], "--outcome", "confirmed")
    shown = await exchange.until_state(sent["id"], "answered")

    assert await exchange.huizhi("show", sent["id"]) == shown
    rate = await exchange.huizhi("rate", asked)
    assert (rate["received"], rate["answered"], rate["on_time"], rate["unanswered"]) == (1, 1, 1, 0)
    assert rate["rate"] == "100.00"
    assert (await exchange.huizhi("unanswered", asked))["items"] == []
    assert "100.00 %" in await exchange.prints("rate", asked)
    assert (await exchange.huizhi("conservation"))["holds"] is True


async def test_what_was_refused_and_what_is_parked_is_listed(exchange: Exchange) -> None:
    recipient = exchange.county("46").address
    async with exchange.desks(exchange.county("50")) as (sender,):
        bad, stuck = query(recipient, kind="weather.forecast"), query("4121")
        await sender.publish(bad)
        await sender.publish(stuck)
        await exchange.until_state(stuck["id"], "parked")

        refused: list[dict[str, Any]] = (await exchange.huizhi("refused", "--sender", sender.address))["items"]
        assert [(one["message_id"], one["problem"]) for one in refused] == [(bad["id"], ProblemType.UNKNOWN_KIND.urn)]
        assert "unknown-kind" in await exchange.prints("refused", "--sender", sender.address)
        parked = (await exchange.huizhi("parked", "--all"))["items"]
        assert (stuck["id"], "retired-without-successor") in [(one["id"], one["reason"]) for one in parked]
