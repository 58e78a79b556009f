"""`huizhi demo` on a stack that is up, as an operator runs it."""

import asyncio
import json
import stat
import subprocess
import sys
from typing import Any

import pytest

from services.cli.demo.cast import DISTRICT, gather
from services.cli.demo.play import play
from services.cli.errors import CommandError
from services.cli.participant import CREDENTIALS_FILE
from tests.integration.cli.conftest import RunningStack, call_json

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("run")]


def demo(stack: RunningStack, *options: str) -> "subprocess.CompletedProcess[str]":
    words = [sys.executable, "-m", "services.cli", "demo", "--data", str(stack.data), *options]
    return subprocess.run(words, capture_output=True, text=True, timeout=400, check=False)


def test_the_demonstration_ends_with_713_of_714_for_both_tiers_and_can_be_played_again(stack: RunningStack) -> None:
    foreign = call_json(
        "send", DISTRICT, "--from", "320104", "--kind", "case.assist", "--payload", '{"subject": "与演示无关"}'
    )
    first = demo(stack)
    assert first.returncode == 0, first.stderr
    assert first.stdout.count("713/714") >= 2
    assert "1426/1428" in first.stdout
    assert "2,847 counties in the directory; 40 participants in 14 provinces" in first.stderr
    assert f"{stack.addresses.ledger_url}/docs" in first.stdout
    assert "stack.json" in first.stdout
    assert stat.S_IMODE((stack.data / CREDENTIALS_FILE).stat().st_mode) == 0o600

    again = demo(stack, "--json")
    assert again.returncode == 0, again.stderr
    document: dict[str, Any] = json.loads(again.stdout)
    for tier in ("national", "provincial"):
        assert document["run"]["tiers"][tier]["fraction"] == "713/714"
        unanswered = document["unanswered"][tier]["id"]
        assert unanswered in {item["id"] for item in call_json("unanswered", DISTRICT, "--all")["items"]}
    assert document["period"]["received"] >= 2 * 1428
    assert document["conservation"]["holds"]
    assert call_json("refused", "--sender", DISTRICT)["items"] == []
    # What others sent to the district is left to it.
    assert call_json("show", foreign["id"])["state"] == "dispatched"
    assert foreign["id"] in {item["id"] for item in call_json("inbox", DISTRICT)}


async def test_a_demonstration_that_does_not_end_in_time_says_what_is_missing(stack: RunningStack) -> None:
    cast = await asyncio.to_thread(gather, stack.data)
    with pytest.raises(CommandError, match=r"did not end within 1 s:\n  national: of 714 queries \d+ were sent"):
        await play(stack.data, stack.addresses, cast, lambda _tally, _trouble: None, within_s=1.0)


async def test_a_demonstration_that_somebody_disturbs_says_so(stack: RunningStack) -> None:
    cast = await asyncio.to_thread(gather, stack.data)
    sent = 0

    def disturb(*_: object) -> None:
        nonlocal sent
        if sent == 0:
            words = ("send", DISTRICT, "--from", "320104", "--kind", "case.assist", "--payload", '{"subject": "打扰"}')
            subprocess.run(
                [sys.executable, "-m", "services.cli", *words, "--data", str(stack.data)], check=True, timeout=60
            )
            sent = 1

    with pytest.raises(CommandError, match="does somebody else write to the district"):
        await play(stack.data, stack.addresses, cast, disturb)
