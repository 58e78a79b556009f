"""Provisioning an empty database and a bare vhost, once and again."""

from urllib.parse import urlsplit, urlunsplit

import aio_pika
import asyncpg
import pytest
from aiormq.exceptions import ChannelAccessRefused

from contracts.kinds import built_in_kinds
from services.cli.stack.broker import BrokerAddress
from services.registry.errors import TopologyRefused
from services.registry.kinds import list_kinds
from services.registry.parts import current_directory
from services.registry.provision import provision
from services.registry.tokens import token_hash
from services.runtime.topology import (
    GATEWAY_ACCOUNT,
    LEDGER_ACCOUNT,
    ROUTER_ACCOUNT,
    SERVICE_PERMISSIONS,
    QueueLimits,
    quarantine_queue,
)

PASSWORDS = {account: f"secret of {account}" for account in SERVICE_PERMISSIONS}
HOPS = ("ingress", "ledger", "reports", "dispatch")
QUEUES = (*HOPS, *map(quarantine_queue, HOPS), "parking", "dead-letters", "set-aside")
EXCHANGES = (*HOPS, "parking", "dead-letters", "set-aside", "quarantine", "inbox", "")
READS = {
    GATEWAY_ACCOUNT: {"ingress", "quarantine.ingress"},
    LEDGER_ACCOUNT: {"ledger", "reports", "quarantine.ledger", "quarantine.reports", "dead-letters"},
    ROUTER_ACCOUNT: {"dispatch", "quarantine.dispatch", "parking"},
}
# Whoever empties a quarantine also puts pieces back into it and passes on what fails there; the ledger gives orders to
# itself.
WRITES = {
    GATEWAY_ACCOUNT: {"ledger", "dead-letters"},
    LEDGER_ACCOUNT: {"ledger", "dispatch", "quarantine", "dead-letters", "set-aside"},
    ROUTER_ACCOUNT: {"inbox", "reports", "parking", "quarantine", "dead-letters"},
}


async def provision_all(database: str, broker: BrokerAddress, vhost: str, limits: QueueLimits | None = None) -> None:
    await provision(
        owner_url=database,
        amqp_url=broker.amqp_url(vhost),
        broker_api_url=broker.api_url,
        account_passwords=PASSWORDS,
        admin_token="the administrator's token",
        limits=limits,
    )


async def test_provisioning_fills_what_is_empty_and_again_leaves_it_alone(
    database: str, broker: BrokerAddress, vhost: str
) -> None:
    await provision_all(database, broker, vhost)
    connection = await asyncpg.connect(database)
    version = await connection.fetchval("SELECT version FROM registry_version")
    assert len(await current_directory(connection)) == 41_963
    assert [kind.name for kind in await list_kinds(connection)] == [kind.name for kind in built_in_kinds()]
    tokens = await connection.fetch("SELECT sha256, role, address FROM api_token")
    assert [tuple(row) for row in tokens] == [(token_hash("the administrator's token"), "administrator", None)]
    await provision_all(database, broker, vhost)
    assert await connection.fetchval("SELECT version FROM registry_version") == version
    await connection.close()


@pytest.mark.parametrize("account", list(SERVICE_PERMISSIONS))
async def test_a_service_reads_and_writes_only_where_its_work_is(
    database: str, broker: BrokerAddress, vhost: str, account: str
) -> None:
    await provision_all(database, broker, vhost)
    parts = urlsplit(broker.amqp_url(vhost))
    host = parts.netloc.rpartition("@")[2]
    url = urlunsplit(parts._replace(netloc=f"{account}:{PASSWORDS[account].replace(' ', '%20')}@{host}"))
    async with await aio_pika.connect(url) as connection:
        assert {queue for queue in QUEUES if await may_read(connection, queue)} == READS[account]
        assert {exchange for exchange in EXCHANGES if await may_write(connection, exchange)} == WRITES[account]
        with pytest.raises(ChannelAccessRefused):
            await (await connection.channel()).declare_queue("mine", durable=True)


async def test_a_queue_with_other_arguments_is_refused_with_what_to_do(
    database: str, broker: BrokerAddress, vhost: str
) -> None:
    await provision_all(database, broker, vhost)
    with pytest.raises(TopologyRefused, match="HUIZHI_QUEUE_"):
        await provision_all(database, broker, vhost, QueueLimits(internal_bytes=1024**2))


async def may_read(connection: aio_pika.abc.AbstractConnection, queue: str) -> bool:
    channel = await connection.channel()
    try:
        # Not a get, which a queue with a single active consumer refuses to everyone.
        await (await channel.get_queue(queue, ensure=False)).consume(ignore, timeout=10)
    except ChannelAccessRefused:
        return False
    await channel.close()
    return True


async def may_write(connection: aio_pika.abc.AbstractConnection, exchange: str) -> bool:
    channel = await connection.channel()
    try:
        target = await channel.get_exchange(exchange, ensure=False)
        await target.publish(aio_pika.Message(b"{}"), routing_key="nobody", mandatory=False, timeout=10)
    except ChannelAccessRefused:
        return False
    await channel.close()
    return True


async def ignore(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    """Nothing is published to these queues here."""
