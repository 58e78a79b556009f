"""What is tried against running services: the session's exchange, with something on its ledger."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.acceptance.drafts import answer, query
from tests.acceptance.exchange import Exchange
from tests.acceptance.participant import Desk
from tests.acceptance.waiting import until

LONGEST_TEST_S = 300


@dataclass(frozen=True)
class Target:
    """A running exchange, and two participants of it at work."""

    exchange: Exchange
    sender: Desk
    recipient: Desk

    async def expect_well(self) -> None:
        """A query still goes through, every service is ready, and everything adds up."""
        sound = query(self.recipient.address)
        await self.sender.publish(sound)
        await self.recipient.receives(sound["id"])
        await self.exchange.until_state(sound["id"], "dispatched")
        await until("every service is ready", self.exchange.is_ready)
        await self.exchange.conserves()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every asynchronous test of this folder in the session's event loop, where its connections live."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.timeout(LONGEST_TEST_S))
            if isinstance(item, pytest.Function) and asyncio.iscoroutinefunction(item.function):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def target(exchange: Exchange) -> AsyncIterator[Target]:
    """The session's exchange, with an open query, an answered one, a refused message and a parked one on its ledger."""
    async with exchange.desks(exchange.county("12"), exchange.county("12")) as (sender, recipient):
        await _put_something_on_the_ledger(exchange, sender, recipient)
        yield Target(exchange, sender, recipient)


async def _put_something_on_the_ledger(exchange: Exchange, sender: Desk, recipient: Desk) -> None:
    opened, closed = query(recipient.address), query(recipient.address)
    # Nobody is a participant at or above 230102, and there is no kind of that name.
    parked, refused = query("230102"), query(recipient.address, kind="weather.forecast")
    await sender.publish_all([opened, closed, parked, refused])
    await recipient.receives(opened["id"], closed["id"])
    await recipient.publish(answer(closed["id"]))
    await exchange.until_state(closed["id"], "answered")
    await exchange.until_state(parked["id"], "parked")
