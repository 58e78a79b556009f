"""A broker and a database server of the benchmark's own, with the whole directory of the country in them."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg

from services.ledger.store.provision import provision
from services.registry.provision import provision_registry
from tests.conftest import in_database
from tests.faults.harness.servers import Servers, execute, private_servers


async def country_template(database: str, admin_token: str) -> str:
    """A database that was provisioned as shipped, for each exchange to copy."""
    name = f"huizhi_bench_template_{secrets.token_hex(4)}"
    await execute(database, f'CREATE DATABASE "{name}"')
    await provision(in_database(database, name), {})
    connection = await asyncpg.connect(in_database(database, name))
    try:
        await provision_registry(connection, admin_token)
    finally:
        await connection.close()
    return name


@asynccontextmanager
async def bench_servers(directory: Path) -> AsyncIterator[Servers]:
    """Private servers below ``directory``, gone afterwards."""
    async with private_servers(directory) as servers:
        template = await country_template(servers.database, servers.credentials.admin_token)
        yield replace(servers, template=template)
