"""Trials: the queues in front wait until every quarantine was found empty."""

import asyncio

import pytest

from services.runtime import trials
from services.runtime.trials import Trials


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "QUIET_SECONDS", 0.01)


async def is_over(all_trials: Trials) -> bool:
    """Whether they are over within a time in which they would be."""
    try:
        async with asyncio.timeout(0.1):
            await all_trials.over()
    except TimeoutError:
        return False
    return True


async def test_they_are_over_when_every_quarantine_was_quiet_once() -> None:
    both = Trials()
    both.add("ledger")
    both.add("reports")

    both.quiet("ledger")
    assert not await is_over(both)
    both.quiet("reports")
    assert await is_over(both)


async def test_what_is_in_hand_keeps_them_going() -> None:
    one = Trials()
    one.add("ledger")
    one.quiet("ledger")
    one.busy("ledger")

    assert not await is_over(one)
    one.quiet("ledger")
    assert await is_over(one)


async def test_what_comes_into_quarantine_later_changes_nothing() -> None:
    one = Trials()
    one.add("ledger")
    one.quiet("ledger")
    assert await is_over(one)

    one.busy("ledger")
    one.quiet("ledger")
    assert await is_over(one)
