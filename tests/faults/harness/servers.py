"""The broker and the database server under test: the session's, or private ones that a test may kill."""

import secrets
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from contracts.kinds import built_in_kinds
from services.cli.stack import broker, install, postgres
from services.cli.stack.broker import BrokerAddress
from services.cli.stack.credentials import Credentials
from services.cli.stack.files import private_directory
from services.cli.stack.ports import PLACES, choose
from services.cli.stack.processes import ProcessBook
from services.cli.stack.supervisor import Supervisor
from services.cli.stack.waiting import together
from services.ledger.store.provision import provision
from services.registry.editions import import_directory
from services.registry.kinds import add_absent_kinds
from services.registry.provision import FIRST_VERSION
from services.registry.tokens import ensure_administrator_token
from tests.conftest import in_database

# A directory of a few codes in two provinces: a service reads it in no time, and both tiers occur.
DIVISIONS = (
    "code,name,level,parent\n11,北京市,province,\n110101,东城区,county,11\n110102,西城区,county,11\n"
    "41,河南省,province,\n4101,郑州市,prefecture,41\n410102,中原区,county,4101\n410103,二七区,county,4101\n"
    "410104,管城区,county,4101\n410105,金水区,county,4101\n410106,上街区,county,4101\n4102,开封市,prefecture,41\n410202,龙亭区,county,4102\n"
)
CHANGES = "year,change,old_code,old_name,new_code,new_name,document\n1987,撤销,410112,郊区,,,\n"


@dataclass(frozen=True, slots=True)
class Servers:
    """A broker and a database server with a template database; ``directory`` holds the data of private ones.

    ``database`` is a superuser's URL. ``book`` is None where the servers are shared and not to be killed.
    ``client`` is what services reach the broker by; None leaves it to their default.
    """

    broker: BrokerAddress
    database: str
    template: str
    credentials: Credentials
    book: ProcessBook | None = None
    supervisor: Supervisor | None = None
    directory: Path | None = None
    client: str | None = None

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to the private ``broker`` or ``database``, whose supervisor starts it again when it dies."""
        assert self.book is not None, "shared servers are not to be killed; use private_servers"
        self.book[name].send(number)


async def make_template(database: str, admin_token: str) -> str:
    """A database that was migrated and provisioned once with the small directory, for each test to copy."""
    name = f"huizhi_faults_template_{secrets.token_hex(4)}"
    await execute(database, f'CREATE DATABASE "{name}"')
    url = in_database(database, name)
    await provision(url, {})
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(FIRST_VERSION)
        await add_absent_kinds(connection, built_in_kinds(), actor="test")
        files = [("divisions.csv", DIVISIONS.encode()), ("changes.csv", CHANGES.encode())]
        await import_directory(connection, files, actor="test")
        await ensure_administrator_token(connection, admin_token, actor="test")
    finally:
        await connection.close()
    return name


@asynccontextmanager
async def private_servers(directory: Path) -> AsyncIterator[Servers]:
    """A broker and a database server of the test's own, started again by their supervisor whenever they die."""
    install.missing_packages(print)
    private_directory(directory)
    book = ProcessBook(directory / "processes.json")
    supervisor, credentials = Supervisor(book, print), Credentials.of_directory(directory)
    ports = choose(directory, None, list(PLACES))
    logs = private_directory(directory / "logs")

    async def start_database() -> list[str]:
        place, password = directory / "database", credentials.database_password
        url = await postgres.start(supervisor, directory=place, port=ports["database"], password=password, logs=logs)
        return [url, await make_template(url, credentials.admin_token)]

    async def start_broker() -> list[str]:
        home = directory / "broker"
        address = await broker.start(supervisor, directory=home, ports=ports, credentials=credentials, logs=logs)
        return [address.server, address.api_url]

    try:
        (database, template), (server, api_url) = await together(start_database(), start_broker())
        yield Servers(BrokerAddress(server, api_url), database, template, credentials, book, supervisor, directory)
    finally:
        await supervisor.stop()


async def execute(url: str, *statements: str) -> None:
    """Execute statements, each in a transaction of its own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
