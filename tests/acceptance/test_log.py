"""The log of a whole exchange, as those see it who trust nobody: `huizhi log`, public files, and proofs as files."""

import json
from pathlib import Path
from typing import Any

from contracts.notes import SigningKey
from contracts.proofs import TLOG_PROOF
from tests.acceptance.drafts import answer, query
from tests.acceptance.exchange import Exchange

FIGURES = (
    *("received", "answered", "on_time", "on_time_original", "substantive", "unanswered", "withdrawn", "forwarded"),
    *("rate", "fraction"),
)


def only_figures(told: dict[str, Any]) -> dict[str, Any]:
    return {name: told[name] for name in FIGURES}


async def the_key(exchange: Exchange) -> str:
    return (await exchange.ledger.get("/log/vkey")).text.strip()


async def test_what_is_counted_from_the_public_files_is_what_the_ledger_says(
    exchange: Exchange, tmp_path: Path
) -> None:
    district, asker = exchange.county("12"), exchange.county("50")
    async with exchange.desks(district, asker) as (asked, asking):
        queries = [query(asked.address) for _ in range(7)]
        await asking.publish_all(queries)
        await asked.receives(*(draft["id"] for draft in queries))
        replies = [answer(draft["id"]) for draft in queries[:6]]
        await asked.publish_all(replies)
        await asking.receives(*(draft["id"] for draft in replies))
    period = (await exchange.see("rate"))["period"]
    state = ("--state", str(tmp_path / "seen.sqlite"))
    for code in (asked.address, "12", "50", ""):
        for role in ("recipient", "sender"):
            words = ("--jurisdiction", code, "--role", role, "--period", period, "--json", *state)
            verified = await exchange.verified(*words)
            assert verified["holds"], verified["findings"]
            told = await exchange.see("rate", jurisdiction=code, role=role, period=period)
            # Others go on meanwhile on this exchange: only what nobody else touches is told exactly.
            if code == asked.address:
                assert only_figures(verified["figures"]) == only_figures(told)
                assert verified["figures"]["tiers"] == {tier: only_figures(one) for tier, one in told["tiers"].items()}
    assert (await exchange.see("rate", jurisdiction=asked.address))["fraction"] == "6/7"
    printed = await exchange.verified("--jurisdiction", asked.address, *state)
    assert "6/7" in printed
    assert "85.71 %" in printed
    assert "verified before" in printed


async def test_proofs_are_files_that_are_checked_without_any_exchange(exchange: Exchange, tmp_path: Path) -> None:
    district, asker = exchange.county("12"), exchange.county("50")
    async with exchange.desks(district, asker) as (asked, asking):
        draft = query(asked.address)
        await asking.publish(draft)
        await asked.receives(draft["id"])
        reply = answer(draft["id"])
        await asked.publish(reply)
        await asking.receives(reply["id"])
    await exchange.verified()
    key = tmp_path / "log.vkey"
    key.write_text(await the_key(exchange))

    figures = tmp_path / "rate.json"
    await exchange.prints("rate", asked.address, "--proof", str(figures))
    status, printed, said = await exchange.run("log", "check", str(figures), "--key", str(key))
    assert (status, said) == (0, "")
    assert f"Proved: {asked.address} received 1 and 1 were answered, 100.00 %" in printed
    message = tmp_path / "message.json"
    await exchange.prints("log", "prove", draft["id"], "--out", str(message))
    status, printed, _ = await exchange.run("log", "check", str(message), "--key", key.read_text(), "--json")
    assert status == 0
    checked = json.loads(printed)
    assert checked["about"] == {"message": draft["id"]}
    assert [leaf["event"] for leaf in checked["leaves"]] == ["accepted", "dispatched", "answered"]
    one = await exchange.prints("log", "prove", draft["id"], "--tlog-proof")
    assert one.startswith(f"{TLOG_PROOF}\nindex {checked['leaves'][-1]['index']}\n")

    forged = figures.read_text().replace('"answered":1', '"answered":2')
    assert forged != figures.read_text()
    figures.write_text(forged)
    status, _, said = await exchange.run("log", "check", str(figures), "--key", str(key))
    assert status == 1
    assert "proves nothing" in said


async def test_the_status_says_whether_it_was_checked_at_all(exchange: Exchange, tmp_path: Path) -> None:
    url, key = exchange.stack["ledger_url"], await the_key(exchange)
    foreign = key[:-4] + ("AAA=" if not key.endswith("AAA=") else "BBB=")
    for words, status, part in (
        (("http://127.0.0.1:1", "--key", key), 2, "does not answer"),
        ((exchange.stack["gateway_url"], "--key", key), 2, "there is no log"),
        ((url, "--key", foreign), 2, "Invalid value for --key"),
        ((url, "--key", str(tmp_path / "nothing")), 2, "neither a key nor a file"),
        ((url, "--key", key, "--jurisdiction", "x"), 2, "is not an address"),
        ((url, "--key", key, "--period", "2026"), 2, "a month is written"),
        ((url,), 2, "--key"),
        ((url, "--key", key, "--state", str(tmp_path)), 2, "cannot be used as a state"),
    ):
        found, printed, said = await exchange.run("log", "verify", *words)
        assert (found, printed) == (status, ""), (words, printed)
        assert part in " ".join(said.replace("│", " ").split()), said
    another = str(SigningKey.generate(key.partition("+")[0]).verifier)
    found, printed, _ = await exchange.run("log", "verify", url, "--key", another)
    assert found == 1
    assert "signature: the checkpoint is not to be trusted" in printed
