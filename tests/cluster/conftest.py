"""Clusters of servers on one machine. They take minutes, so `make cluster-test` runs them and `make test` does not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cluster.broker_cluster import BrokerCluster, broker_cluster
from tests.conftest import ServerHome
from tests.faults.harness.servers import Servers, execute, make_template

TIME_LIMIT_SECONDS = 600
ABANDONED = "ignore:coroutine 'Connection.close' was never awaited:RuntimeWarning"
"""aiormq forgets its own goodbye to a node that was killed in the middle of it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test of this folder in the session's event loop, for at most ten minutes."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(TIME_LIMIT_SECONDS))
            item.add_marker(pytest.mark.filterwarnings(ABANDONED))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BrokerCluster]:
    """Three nodes; every test leaves all of them up."""
    async with broker_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clustered_servers(
    server_home: ServerHome, cluster: BrokerCluster, database_server: str
) -> AsyncIterator[Servers]:
    """The cluster as the broker, and the session's single database server."""
    template = await make_template(database_server, server_home.credentials.admin_token)
    yield Servers(cluster.address, database_server, template, server_home.credentials)
    await execute(database_server, f'DROP DATABASE "{template}" WITH (FORCE)')
