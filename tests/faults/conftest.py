"""What fault tests stand on: the session's servers with a template of a small registry, and the client for AMQP.

Where AMQP is what is at stake every test is there once for each client that the setting knows; the others go by the
default.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from services.cli.stack.broker import BrokerAddress
from tests.conftest import ServerHome
from tests.faults.harness.servers import Servers, execute, make_template

# A test client that waits for a broker which was killed would fill the report with its attempts.
logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)

TIME_LIMIT_SECONDS = 400
"""Of a test here that has none of its own: they take ten seconds, and many times as long where others keep disk and
processors busy.
"""


CLIENTS = ("lane", "aio-pika")
"""The default first."""

FOR_EACH_CLIENT = (
    "test_back_pressure",
    "test_durability",
    "test_graceful_stop",
    "test_kill_points",
    "test_lost_replies",
    "test_oracle",
    "test_poison",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each client of those that are about AMQP."""
    if "client" in metafunc.fixturenames:
        each = Path(str(metafunc.module.__file__)).stem in FOR_EACH_CLIENT
        metafunc.parametrize("client", CLIENTS if each else CLIENTS[:1], scope="module")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test of this folder its time limit."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIME_LIMIT_SECONDS))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_servers(
    server_home: ServerHome, broker: BrokerAddress, database_server: str
) -> AsyncIterator[Servers]:
    """The session's broker and database server."""
    template = await make_template(database_server, server_home.credentials.admin_token)
    yield Servers(broker, database_server, template, server_home.credentials)
    await execute(database_server, f'DROP DATABASE "{template}" WITH (FORCE)')


@pytest.fixture(scope="module")
def servers(shared_servers: Servers, client: str) -> Servers:
    """The session's servers, for services that reach the broker by ``client``."""
    return replace(shared_servers, client=client)
