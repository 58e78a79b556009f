"""How tests of a whole exchange run, and the second exchange that stands beside the session's.

All tests here share one event loop, so that connections may live as long as the exchanges.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.acceptance.debian_postgres import debian_postgres
from tests.acceptance.exchange import Exchange, environment, silently_running

# Two stacks may have to start first, on a busy machine.
LONGEST_TEST_S = 900


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test of this folder in the session's event loop, and give it the time that starting a stack may take on
    a busy machine.
    """
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(LONGEST_TEST_S))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def neighbour(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    """A second exchange on the same machine at the same time, on the PostgreSQL that Debian ships."""
    directory = tmp_path_factory.mktemp("neighbour")
    async with debian_postgres(directory / "postgres") as database_url:
        on_debian = environment() | {"HUIZHI_DATABASE_URL": database_url}
        async with silently_running(directory / "exchange", on_debian) as second:
            yield second
