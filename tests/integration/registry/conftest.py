"""A registry of a few real jurisdictions, and an exchange with its core topology, for each test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
import pytest_asyncio

from contracts.data import carried_files
from services.cli.stack.broker import BrokerAddress
from services.registry.accounts import BrokerAPI
from services.registry.editions import import_directory
from services.registry.participants import Participants
from services.registry.provision import FIRST_VERSION, declare_core
from services.registry.transactions import Connection
from services.runtime.topology import QueueLimits, core_topology

LIMITS = QueueLimits(internal_bytes=64 * 1024**2, inbox_bytes=16 * 1024**2)
DIVISIONS = "code,name,level,parent\n"
HENAN = (
    "41,河南省,province,\n4101,郑州市,prefecture,41\n410102,中原区,county,4101\n410103,二七区,county,4101\n"
    "4102,开封市,prefecture,41\n410202,龙亭区,county,4102\n"
)
CHANGES = (
    "year,change,old_code,old_name,new_code,new_name,document\n"
    "1983,同名改码,412401,龙亭区,410202,龙亭区,\n1987,撤销,410112,郊区,,,\n"
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A vhost with the core topology, its URLs, and the participants of a small registry."""

    participants: Participants
    connection: Connection
    broker: BrokerAPI
    amqp_url: str
    api_url: str
    database_url: str


@pytest_asyncio.fixture
async def connection(database: str) -> AsyncIterator[Connection]:
    """The owner's connection to a registry that has its version and nothing else."""
    connection = await asyncpg.connect(database)
    await connection.execute(FIRST_VERSION)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def henan(connection: Connection) -> Connection:
    """The connection, with a few jurisdictions of Henan in the directory."""
    files = [("divisions.csv", (DIVISIONS + HENAN).encode()), ("changes.csv", CHANGES.encode())]
    await import_directory(connection, files, actor="test")
    return connection


@pytest_asyncio.fixture
async def carried(connection: Connection) -> Connection:
    """The connection, with the whole carried directory."""
    await import_directory(connection, carried_files(), actor="test")
    return connection


@pytest_asyncio.fixture
async def exchange(henan: Connection, database: str, broker: BrokerAddress, vhost: str) -> AsyncIterator[Exchange]:
    """An exchange with its core topology on a small registry, without participants."""
    amqp_url = broker.amqp_url(vhost)
    async with BrokerAPI(broker.api_url, vhost) as api:
        await declare_core(amqp_url, core_topology(await api.version(), LIMITS))
        participants = Participants(henan, api, amqp_url=amqp_url, limits=LIMITS, actor="test")
        yield Exchange(participants, henan, api, amqp_url, broker.api_url, database)


@pytest.fixture
def actions() -> str:
    """The query for what is on the record of administration, in order."""
    return "SELECT actor, action, target FROM administration ORDER BY id"
