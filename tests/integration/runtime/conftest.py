"""What the behaviour suite of the ports runs on. A further implementation is one more line in IMPLEMENTATIONS."""

import os
from collections.abc import AsyncIterator

import aio_pika
import pytest
import pytest_asyncio
from aio_pika.abc import AbstractChannel

from services.cli.stack.broker import BrokerAddress
from services.cli.stack.broker_settings import environment
from services.runtime.ports import Broker
from tests.conftest import ServerHome
from tests.integration.runtime.behaviour import IMPLEMENTATIONS, BrokerControl, Hop, OpenBroker, declared_hop


@pytest.fixture(params=sorted(IMPLEMENTATIONS))
def implementation(request: pytest.FixtureRequest) -> OpenBroker:
    """Makes a broker of the implementation under test, from a URL and a confirm timeout in seconds."""
    return IMPLEMENTATIONS[str(request.param)]


@pytest.fixture
def url(broker: BrokerAddress, vhost: str) -> str:
    """The administrator's URL of the test's vhost."""
    return broker.amqp_url(vhost)


@pytest.fixture
def ports(implementation: OpenBroker, url: str) -> Broker:
    """The implementation under test."""
    return implementation(url, 30.0)


@pytest_asyncio.fixture
async def admin(url: str) -> AsyncIterator[AbstractChannel]:
    """A plain channel that may do everything in the vhost."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        yield channel


@pytest_asyncio.fixture
async def hop(admin: AbstractChannel) -> Hop:
    """One hop, declared."""
    return await declared_hop(admin)


@pytest.fixture
def control(server_home: ServerHome, broker: BrokerAddress) -> BrokerControl:
    """The operator's command for the session's broker."""
    node = environment(server_home.directory / "broker", server_home.ports, server_home.credentials.broker_node)
    return BrokerControl({**node, "PATH": os.defpath})
