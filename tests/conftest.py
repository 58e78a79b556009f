"""Real servers for every test that needs them: a broker, a database server and a whole exchange a session, each started
when first asked for.

A test gets a vhost (`vhost`) and a migrated database (`database`) of its own, and both are removed after it. A server
that does not come up fails the tests; nothing is skipped. `HUIZHI_TEST_DATABASE_URL`, a superuser's URL, puts an
existing PostgreSQL in the place of the private one.
"""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from services.cli.stack import broker as broker_server
from services.cli.stack import install, postgres
from services.cli.stack.broker import BrokerAddress
from services.cli.stack.broker_settings import ADMINISTRATOR
from services.cli.stack.credentials import Credentials
from services.cli.stack.files import private_directory
from services.cli.stack.ports import PLACES, choose
from services.cli.stack.processes import ProcessBook
from services.cli.stack.supervisor import Supervisor
from services.ledger.store.provision import provision
from tests.acceptance.exchange import Exchange, environment, silently_running

SHARE_THE_EXCHANGE = ("tests/acceptance/", "tests/fuzz/", "tests/integration/cli/", "tests/contracts/test_guide.py")
FAULTS = "tests/faults/"


class ByExchange(LoadScopeScheduling):
    """Gives out tests file by file where ``make test`` has several processes, and those that share the session's
    exchange to one of them, all together.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "exchange" if file.startswith(SHARE_THE_EXCHANGE) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByExchange:
    """What xdist gives tests out by."""
    return ByExchange(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first: what shares the exchange, which one process has to run, and the fault tests."""
    items.sort(key=lambda item: 0 if item.nodeid.startswith(SHARE_THE_EXCHANGE) else 1 if FAULTS in item.nodeid else 2)


# Hypothesis' own default is for every day; a night's run takes --hypothesis-profile=thorough.
settings.register_profile("thorough", max_examples=4000)


@dataclass(frozen=True, slots=True)
class ServerHome:
    """Where the session's servers live and what they are started with."""

    directory: Path
    logs: Path
    ports: dict[str, int]
    credentials: Credentials
    supervisor: Supervisor


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server_home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerHome]:
    """The directory, ports, passwords and supervisor of the session's servers; stops them at the end."""
    directory = tmp_path_factory.mktemp("servers")
    supervisor = Supervisor(ProcessBook(directory / "processes.json"), print)
    yield ServerHome(
        directory=directory,
        logs=private_directory(directory / "logs"),
        ports=choose(directory, None, list(PLACES)),
        credentials=Credentials.of_directory(directory),
        supervisor=supervisor,
    )
    await supervisor.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def broker(server_home: ServerHome) -> BrokerAddress:
    """A broker: `amqp_url(vhost)` and `api_url`, both the administrator's."""
    install.missing_packages(print)
    return await broker_server.start(
        server_home.supervisor,
        directory=server_home.directory / "broker",
        ports=server_home.ports,
        credentials=server_home.credentials,
        logs=server_home.logs,
    )


@pytest.fixture
def vhost(broker: BrokerAddress) -> Iterator[str]:
    """A fresh vhost's name, in which the administrator may do everything; gone, with its queues, after the test."""
    name = f"test-{secrets.token_hex(6)}"
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    with httpx.Client(base_url=broker.api_url, timeout=60, trust_env=False) as client:
        client.put(f"/api/vhosts/{name}").raise_for_status()
        client.put(f"/api/permissions/{name}/{ADMINISTRATOR}", json=everything).raise_for_status()
        yield name
        client.delete(f"/api/vhosts/{name}").raise_for_status()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def database_server(server_home: ServerHome) -> str:
    """A superuser's URL of the database server, leading to a database that holds nothing of ours."""
    if existing := os.environ.get("HUIZHI_TEST_DATABASE_URL"):
        return existing
    return await postgres.start(
        server_home.supervisor,
        directory=server_home.directory / "database",
        port=server_home.ports["database"],
        password=server_home.credentials.database_password,
        logs=server_home.logs,
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def migrated_template(database_server: str) -> AsyncIterator[str]:
    """The name of a database that was migrated once, for `database` to copy."""
    name = f"huizhi_template_{secrets.token_hex(6)}"
    await execute(database_server, f'CREATE DATABASE "{name}"')
    await provision(in_database(database_server, name), {})
    yield name
    await execute(database_server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture
async def database(database_server: str, migrated_template: str) -> AsyncIterator[str]:
    """The owner's URL of a migrated database of the test's own, without rows and without the services' roles."""
    name = f"huizhi_test_{secrets.token_hex(6)}"
    await execute(database_server, f'CREATE DATABASE "{name}" TEMPLATE "{migrated_template}"')
    yield in_database(database_server, name)
    await _remove_database(database_server, name)


@pytest_asyncio.fixture
async def empty_database(database_server: str) -> AsyncIterator[str]:
    """The owner's URL of an empty database of the test's own, for what migrates and provisions by itself."""
    name = f"huizhi_test_{secrets.token_hex(6)}"
    await execute(database_server, f'CREATE DATABASE "{name}"')
    yield in_database(database_server, name)
    await _remove_database(database_server, name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    """The session's exchange, as a user starts it: ``huizhi up`` in a process of its own.

    Everything that sees an exchange from outside shares it, each with participants of its own. Participants are all
    counties of Tianjin (12), Hainan (46) and Chongqing (50), of which tests take any, and of Ningxia (64), which they
    take by name.
    """
    async with silently_running(tmp_path_factory.mktemp("shared") / "exchange", environment()) as exchange:
        for province in ("12", "46", "50", "64"):
            await exchange.add_counties(province)
        yield exchange


@pytest.fixture
def stack_environment(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment for a `huizhi up` of the test's own: on an existing PostgreSQL if the run has one."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUIZHI_")}
    if "HUIZHI_TEST_DATABASE_URL" not in os.environ:
        return inherited
    return inherited | {"HUIZHI_DATABASE_URL": request.getfixturevalue("empty_database")}


def in_database(server_url: str, name: str) -> str:
    """The URL of another database of the same server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{quote(name)}"))


async def _remove_database(server_url: str, name: str) -> None:
    await execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')
    # Roles belong to the whole server and would stay when their database goes.
    await execute(server_url, *(f'DROP ROLE IF EXISTS "{name}_{role}"' for role in ("gateway", "router", "ledger")))


async def execute(url: str, *statements: str) -> None:
    """Carry out statements on a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
