"""Brings broker and registry to where the services can start; run by whoever owns them, again at every start."""

from collections.abc import Mapping
from datetime import date

import aio_pika
import asyncpg
from aio_pika.exceptions import ChannelPreconditionFailed

from contracts.data import CARRIED_AS_OF, carried_files
from contracts.kinds import built_in_kinds
from services.registry.accounts import Account, BrokerAPI, amqp_vhost
from services.registry.editions import LATEST_EDITION, import_directory
from services.registry.errors import TopologyRefused
from services.registry.kinds import add_absent_kinds
from services.registry.tokens import ensure_administrator_token
from services.registry.transactions import Connection
from services.runtime.topology import SERVICE_PERMISSIONS, QueueLimits, Topology, core_topology, declare

_ACTOR = "huizhi"
FIRST_VERSION = """
INSERT INTO registry_version (version, directory, participants, kinds) VALUES (0, 0, 0, 0) ON CONFLICT DO NOTHING
"""


async def provision(
    *,
    owner_url: str,
    amqp_url: str,
    broker_api_url: str,
    account_passwords: Mapping[str, str],
    admin_token: str,
    limits: QueueLimits | None = None,
) -> None:
    """Provision a migrated database and a broker whose vhost exists; what is there already stays.

    Declares the exchanges and queues of the core, with `limits` of their sizes (by default those of QueueLimits), and
    sets the service accounts (`account_passwords` holds one for each of SERVICE_PERMISSIONS) with their least
    privilege. Gives the registry its first version, its built-in kinds where they are absent, and the carried directory
    where there is none; makes `admin_token` an administrator's. All URLs are those of an owner or administrator.

    Raises BrokerAPIError, TopologyRefused and the errors of aio_pika and asyncpg.
    """
    async with BrokerAPI(broker_api_url, amqp_vhost(amqp_url)) as broker:
        await declare_core(amqp_url, core_topology(await broker.version(), limits or QueueLimits()))
        accounts = [
            Account(name, permissions, account_passwords[name]) for name, permissions in SERVICE_PERMISSIONS.items()
        ]
        await broker.define(accounts)
    connection = await asyncpg.connect(owner_url)
    try:
        await provision_registry(connection, admin_token)
    finally:
        await connection.close()


async def declare_core(amqp_url: str, core: Topology) -> None:
    """Declare exchanges and queues of the core; raises TopologyRefused when one is there with other arguments."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        try:
            await declare(core, channel)
        except ChannelPreconditionFailed as error:
            raise TopologyRefused(
                f"the broker holds an exchange or queue of the same name with other settings ({error}). "
                "Set HUIZHI_QUEUE_* to what it was made with, or empty the queue and delete it first."
            ) from error


async def provision_registry(connection: Connection, admin_token: str) -> None:
    """Give an empty registry its version, kinds, directory and administrator; leave alone what is there."""
    await connection.execute(FIRST_VERSION)
    await add_absent_kinds(connection, built_in_kinds(), actor=_ACTOR)
    if await connection.fetchval(LATEST_EDITION) is None:
        as_of = date.fromisoformat(CARRIED_AS_OF)
        await import_directory(connection, carried_files(), actor=_ACTOR, as_of=as_of)
    await ensure_administrator_token(connection, admin_token, actor=_ACTOR)
