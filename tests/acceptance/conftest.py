"""One exchange a session, as a user starts it: ``huizhi up`` in a process of its own.

All tests here share one event loop, so that connections may live as long as the exchange. When it is stopped, nothing
that it has logged or counted may hold anything of a payload.
"""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.acceptance.debian_postgres import debian_postgres
from tests.acceptance.drafts import MARKER
from tests.acceptance.exchange import Exchange, messages_file, running

LONGEST_TEST_S = 600
SETTINGS = {"HUIZHI_ROUTER_SWEEP_INTERVAL_S": "1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run every test of this folder in the session's event loop, and give it the time that starting a stack may take on
    a busy machine.
    """
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(LONGEST_TEST_S))


def environment() -> dict[str, str]:
    """That of whoever runs the tests, without settings of an exchange that may run elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUIZHI_")} | SETTINGS


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    """The session's exchange. Participants are all counties of Hainan (46) and Chongqing (50), of which tests take any,
    and of Ningxia (64), which they take by name.
    """
    data = tmp_path_factory.mktemp("acceptance") / "exchange"
    async with running(data, environment()) as exchange:
        for province in ("46", "50", "64"):
            await exchange.add_counties(province)
        yield exchange
        await expect_silent_metrics(exchange)
    expect_silent_logs(data)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def neighbour(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    """A second exchange on the same machine at the same time, on the PostgreSQL that Debian ships."""
    directory = tmp_path_factory.mktemp("neighbour")
    async with debian_postgres(directory / "postgres") as database_url:
        on_debian = environment() | {"HUIZHI_DATABASE_URL": database_url}
        async with running(directory / "exchange", on_debian) as second:
            yield second
            await expect_silent_metrics(second)
    expect_silent_logs(directory / "exchange")


async def expect_silent_metrics(exchange: Exchange) -> None:
    """No service's metrics hold anything of a payload."""
    for service in exchange.stack["services"]:
        page = await exchange.ledger.get(f"{service['url']}/metrics")
        assert page.text.count("huizhi_") > 10
        assert MARKER not in page.text, f"a payload is in the metrics of {service['name']}"


def expect_silent_logs(data: Path) -> None:
    """No log of a stack that was stopped holds anything of a payload."""
    logs = [*(data / "logs").glob("*.log"), messages_file(data)]
    contents = {log.name: log.read_bytes() for log in logs}
    assert {"gateway.log", "ledger.log", "router.log", "broker.log"} <= contents.keys()
    assert b"pump_connected" in contents["gateway.log"]
    assert [name for name, content in contents.items() if MARKER.encode() in content] == []
