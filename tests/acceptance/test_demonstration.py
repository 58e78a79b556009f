"""`huizhi demo` on a stack that is up, as an operator runs it: 714 queries over each tier, 713 answers."""

import asyncio
import json
import stat
from typing import Any

import pytest

from services.cli.demo.cast import DISTRICT, gather
from services.cli.demo.play import play
from services.cli.errors import CommandError
from services.cli.participant import CREDENTIALS_FILE
from services.cli.stack.stack_file import StackFile
from tests.acceptance.exchange import Exchange

# Of a province that has no part in the demonstration.
STRANGER = "450102"


async def test_the_demonstration_ends_with_713_of_714_on_both_tiers_and_can_be_played_again(
    neighbour: Exchange,
) -> None:
    """On the stack that is up, which it uses; its status is 0 or `huizhi` fails here."""
    printed, said = await neighbour.prints_and_says("demo")
    assert printed.count("713/714") >= 2
    assert "1426/1428" in printed
    assert "2,847 counties in the directory; 40 participants in 14 provinces" in said
    assert f"{neighbour.stack['ledger_url']}/docs" in printed
    assert "stack.json" in printed
    await expect_what_it_says_of_verifying(neighbour, printed)
    assert stat.S_IMODE((neighbour.data / CREDENTIALS_FILE).stat().st_mode) == 0o600

    await neighbour.add_participant(STRANGER)
    foreign = await ask_the_district(neighbour, "与演示无关")
    # A run counts what arrives while it is played, so this has to be there before.
    await neighbour.until_state(foreign, "dispatched")
    before, counted_before = await neighbour.see("rate"), await counted_anew(neighbour)
    document: dict[str, Any] = await neighbour.huizhi("demo")
    after, counted = await neighbour.see("rate"), await counted_anew(neighbour)
    unanswered = {item["id"] for item in (await neighbour.huizhi("unanswered", DISTRICT, "--all"))["items"]}
    for tier in ("national", "provincial"):
        assert document["run"]["tiers"][tier]["fraction"] == "713/714"
        assert document["unanswered"][tier]["id"] in unanswered
        for name, count in (("received", 714), ("answered", 713), ("unanswered", 1)):
            assert after["tiers"][tier][name] - before["tiers"][tier][name] == count
            # The same from the public files of the log and its public key alone.
            assert counted["tiers"][tier][name] - counted_before["tiers"][tier][name] == count
    assert document["period"]["received"] >= 2 * 1428
    assert document["conservation"]["holds"]
    assert (await neighbour.huizhi("refused", "--sender", DISTRICT))["items"] == []
    # What others sent to the district is left to it.
    assert await neighbour.state(foreign) == "dispatched"
    assert foreign in {item["id"] for item in await neighbour.huizhi("inbox", DISTRICT)}
    await neighbour.conserves()


async def counted_anew(exchange: Exchange) -> Any:
    """The district's figures as they follow from the log."""
    return (await exchange.verified("--jurisdiction", DISTRICT, "--json"))["figures"]


async def expect_what_it_says_of_verifying(exchange: Exchange, printed: str) -> None:
    """The demonstration ends with a command that needs nothing but the network, and that command says 713/714 twice."""
    command = next(line for line in printed.splitlines() if "huizhi log verify" in line).split()
    assert command[0] == "huizhi"
    await exchange.verified()
    status, verified, said = await exchange.run(*command[1:])
    assert status == 0, said
    assert verified.count("713/714") == 2
    assert verified.count("99.86 %") == 3
    assert "The log holds" in verified


async def test_a_demonstration_that_does_not_end_in_time_says_what_is_missing(neighbour: Exchange) -> None:
    cast = await asyncio.to_thread(gather, neighbour.data)
    addresses = StackFile.read(neighbour.data)
    with pytest.raises(CommandError, match=r"did not end within 1 s:\n  national: of 714 queries \d+ were sent"):
        await play(neighbour.data, addresses, cast, lambda _tally, _trouble: None, within_s=1.0)


async def test_a_demonstration_that_somebody_disturbs_says_so(neighbour: Exchange) -> None:
    cast = await asyncio.to_thread(gather, neighbour.data)
    disturbing: list[asyncio.Task[str]] = []

    def disturb(*_: object) -> None:
        if not disturbing:
            disturbing.append(asyncio.create_task(ask_the_district(neighbour, "打扰")))

    with pytest.raises(CommandError, match="does somebody else write to the district"):
        await play(neighbour.data, StackFile.read(neighbour.data), cast, disturb)
    await asyncio.gather(*disturbing)


async def ask_the_district(exchange: Exchange, subject: str) -> str:
    """A query of somebody who has no part in the demonstration, by its id."""
    words = ("--from", STRANGER, "--kind", "case.assist", "--payload", json.dumps({"subject": subject}))
    sent: dict[str, Any] = await exchange.huizhi("send", DISTRICT, *words)
    return str(sent["id"])
