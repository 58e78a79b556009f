"""A platform of a test's own on servers that others share: a vhost, a database, and participants in them."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import httpx

from services.cli.stack.broker_settings import ADMINISTRATOR
from services.cli.stack.instances import ACCOUNTS
from services.ledger.store.roles import SERVICES, ensure_roles, role_name
from services.registry.accounts import Account, BrokerAPI
from services.registry.candidates import new_participant
from services.registry.participants import Credentials, Participants
from services.registry.parts import current_directory
from services.registry.provision import declare_core
from services.runtime.topology import SERVICE_PERMISSIONS, QueueLimits, Topology, core_topology
from tests.conftest import in_database
from tests.faults.harness.instance import client
from tests.faults.harness.servers import Servers, execute

LIMITS = QueueLimits(internal_bytes=256 * 1024**2, inbox_bytes=64 * 1024**2)


@dataclass(frozen=True, slots=True)
class Platform:
    """The owner's and the administrator's way into the database and the vhost of one test."""

    servers: Servers
    database_url: str
    vhost: str
    limits: QueueLimits = field(default=LIMITS)

    @property
    def amqp_url(self) -> str:
        """The administrator's, with the vhost."""
        return self.servers.broker.amqp_url(self.vhost)

    async def add(self, *addresses: str) -> list[Credentials]:
        """Make participants."""
        made: list[Credentials] = []
        connection = await asyncpg.connect(self.database_url)
        try:
            async with BrokerAPI(self.servers.broker.api_url, self.vhost) as api:
                participants = Participants(connection, api, amqp_url=self.amqp_url, limits=self.limits, actor="test")
                directory = await current_directory(connection)
                await participants.add_absent([new_participant(directory, one) for one in addresses], made.extend)
        finally:
            await connection.close()
        return made


@asynccontextmanager
async def fresh_platform(
    servers: Servers,
    addresses: Sequence[str],
    *,
    limits: QueueLimits = LIMITS,
    core: Topology | None = None,
    removed: bool = True,
) -> AsyncIterator[tuple[Platform, list[Credentials]]]:
    """A platform with participants at ``addresses``, gone after the test. ``core`` puts another topology in the place
    of the shipped one. With ``removed=False`` it stays, and ends with its servers: a node gives up removing thousands
    of queues half way.
    """
    name = f"huizhi_faults_{secrets.token_hex(5)}"
    platform = Platform(servers, in_database(servers.database, name), name, limits)
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    await execute(servers.database, f'CREATE DATABASE "{name}" TEMPLATE "{servers.template}"')
    async with client(base_url=servers.broker.api_url) as api:
        (await api.put(f"/api/vhosts/{name}")).raise_for_status()
        (await api.put(f"/api/permissions/{name}/{ADMINISTRATOR}", json=everything)).raise_for_status()
        try:
            await _provision(platform, core)
            yield platform, await platform.add(*addresses)
        finally:
            if removed:
                await _remove(platform, api)


async def _remove(platform: Platform, api: httpx.AsyncClient) -> None:
    name = platform.vhost
    (await api.delete(f"/api/vhosts/{name}")).raise_for_status()
    roles = [f'DROP ROLE IF EXISTS "{role_name(name, service)}"' for service in SERVICES]
    await execute(platform.servers.database, f'DROP DATABASE "{name}" WITH (FORCE)', *roles)


async def _provision(platform: Platform, core: Topology | None) -> None:
    credentials = platform.servers.credentials
    connection = await asyncpg.connect(platform.database_url)
    try:
        await ensure_roles(connection, credentials.database_roles)
    finally:
        await connection.close()
    async with BrokerAPI(platform.servers.broker.api_url, platform.vhost) as api:
        await declare_core(platform.amqp_url, core or core_topology(await api.version(), platform.limits))
        passwords = {ACCOUNTS[service]: password for service, password in credentials.broker_accounts.items()}
        await api.define(
            [Account(name, permissions, passwords[name]) for name, permissions in SERVICE_PERMISSIONS.items()]
        )
