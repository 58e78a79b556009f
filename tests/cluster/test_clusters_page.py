"""Every command of docs/operations/clusters.md, tried where the page says."""

import asyncio
from pathlib import Path

from services.cli.stack import postgres
from services.cli.stack.broker_settings import VHOST
from services.cli.stack.ports import HOST
from services.registry.accounts import BrokerAPI
from services.registry.provision import declare_core
from services.runtime.topology import core_topology
from tests.cluster.broker_cluster import BrokerCluster
from tests.cluster.database_pair import new_servers
from tests.cluster.database_server import DatabaseServer
from tests.cluster.page import commands, places, untried
from tests.faults.harness.platform import LIMITS


async def test_every_command_is_tried_by_a_test_of_this_folder() -> None:
    assert places() == {"broker", "hung", "standby", "primary", "promotion", "return"}
    assert untried() == []


async def test_the_commands_for_the_broker(cluster: BrokerCluster) -> None:
    third = cluster.nodes[2]
    async with BrokerAPI(cluster.address.api_url, VHOST) as api:
        await declare_core(cluster.address.amqp_url(VHOST), core_topology(await api.version(), LIMITS))
    await cluster.whole(VHOST)
    for program, *arguments in commands("broker", {"rabbit@mq3": third.name}):
        print(await asyncio.to_thread(third.ctl, *arguments, program=program))
    await third.ready()
    await cluster.whole(VHOST)

    queues = await cluster.queues(VHOST)
    assert "ledger" in {queue["name"] for queue in queues}
    assert all(len(queue["members"]) == len(cluster.nodes) for queue in queues)


async def test_the_commands_for_the_database_make_a_standby_promote_it_and_take_the_old_primary_back(
    tmp_path: Path,
) -> None:
    db1, db2 = new_servers(tmp_path, "db1", "db2")
    try:
        await db1.initialise()
        await db1.start()
        await tried("standby", db2, db1, db2)
        await db2.start()
        await tried("primary", db1, db1, db2)
        assert await db1.has_standby()
        await db1.execute("CREATE TABLE kept (i int)", "INSERT INTO kept VALUES (1)")

        await db1.kill()
        await tried("promotion", db2, db1, db2)
        assert await db2.value("SELECT i FROM kept") == 1
        await db2.execute("INSERT INTO kept VALUES (2)")

        await tried("return", db1, db1, db2)
        await db1.start()
        await db2.require_standby("db1")
        assert await db1.value("SELECT pg_is_in_recovery()")
        assert await db1.value("SELECT count(*) FROM kept") == 2
    finally:
        await db2.stop()
        await db1.stop()


async def tried(where: str, on: DatabaseServer, db1: DatabaseServer, db2: DatabaseServer) -> None:
    """Run what the page has for ``where`` on the machine of one of the two."""
    ours = {
        "host=db1": f"host={HOST} port={db1.port}",
        "host=db2": f"host={HOST} port={db2.port}",
        "/srv/postgresql/data": str(on.data),
        "user=huizhi": f"user={postgres.OWNER}",
    }
    for program, *arguments in commands(where, ours):
        print(await on.run(program, *arguments))
