"""Fits out the servers of a stack: migrations and roles, topology and accounts, kinds, directory, administrator."""

import asyncpg

from services.cli.errors import StackError
from services.cli.stack.credentials import Credentials
from services.cli.stack.instances import ACCOUNTS
from services.cli.stack.servers import Servers
from services.ledger.store import provision as database
from services.ledger.store.faults import UnprovableLogError
from services.registry import provision as registry
from services.registry.errors import RegistryError
from services.runtime.settings import QueueSettings, SettingsError, read_settings
from services.runtime.topology import QueueLimits


async def provision(servers: Servers, credentials: Credentials) -> None:
    """Bring both servers to where the services can start; what is there already stays.

    Raises StackError, with what the servers said.
    """
    try:
        queues = read_settings(QueueSettings)
        await database.provision(servers.database_url, credentials.database_roles)
        await registry.provision(
            owner_url=servers.database_url,
            amqp_url=servers.amqp_url,
            broker_api_url=servers.broker_api_url,
            account_passwords={ACCOUNTS[name]: password for name, password in credentials.broker_accounts.items()},
            admin_token=credentials.admin_token,
            limits=QueueLimits(queues.internal_bytes, queues.inbox_bytes),
        )
    except (SettingsError, RegistryError, asyncpg.PostgresError, UnprovableLogError) as error:
        raise StackError(f"database and broker cannot be provisioned: {error}") from error
