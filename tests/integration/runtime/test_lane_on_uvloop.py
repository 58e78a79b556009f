"""The whole contract of the ports once more for the lane, on the event loop that services run on.

A loop that every test shares cannot be exchanged, so each test of the suite is run here with all it needs made anew.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine

import aio_pika
import pytest
import uvloop

from tests.integration.runtime import test_ports_behaviour as suite
from tests.integration.runtime.behaviour import IMPLEMENTATIONS, BrokerControl, declared_hop

Test = Callable[..., Coroutine[object, object, None]]

TESTS = [thing for name, thing in vars(suite).items() if name.startswith("test_")]


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__.removeprefix("test_"))
def test_on_uvloop(test: Test, url: str, vhost: str, control: BrokerControl) -> None:
    implementation = IMPLEMENTATIONS["lane"]

    async def run() -> None:
        async with await aio_pika.connect(url) as connection, connection.channel() as admin:
            given = {
                "control": control,
                "hop": await declared_hop(admin),
                "implementation": implementation,
                "ports": implementation(url, 30.0),
                "url": url,
                "vhost": vhost,
            }
            await test(**{name: given[name] for name in inspect.signature(test).parameters})

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
