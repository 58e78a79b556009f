"""Drain: the queries that piled up while the database was away, and how long until all are in their inboxes."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from services.cli.stack.files import private_directory
from services.cli.stack.ports import choose
from services.runtime.topology import INGRESS
from tests.acceptance.waiting import until
from tests.bench.exchange import Exchange, exchange
from tests.bench.measuring import Series
from tests.bench.saying import say
from tests.bench.servers import country_template
from tests.bench.table import Figure
from tests.cluster.database_server import DatabaseServer
from tests.faults.harness.servers import Servers

BACKLOG = 100_000
_IDLE_S = 900.0
_TAKEN_IN_WITHIN_S = 600.0


async def drain_case(servers: Servers, directory: Path, backlog: int = BACKLOG) -> list[Figure]:
    """Against what the same exchange does on a day without an outage."""
    async with (
        _mortal_database(servers, directory / "database") as (ours, database),
        exchange(ours, directory / "exchange") as running,
    ):
        capacity = (await running.queries(backlog // 4)).per_second
        ids = directory / "ids"
        await database.stop()
        say("the database is stopped")
        async with running.reading(backlog, ids, idle=_IDLE_S) as drain:
            async with running.publishing(backlog) as publish:
                published = await publish.done()
            say(f"{backlog:,} queries were published in {published.ended - published.started:.0f} s")
            # An outage is long: the gateway has passed on by then whatever it can.
            await until(
                "the backlog is in the ledger queue", lambda: _is_taken_in(running), within_s=_TAKEN_IN_WITHIN_S
            )
            say("they wait for the ledger; the database starts again")
            began = time.monotonic()
            await database.start()
            drained = await drain.done()
        await running.check(backlog, ids)
    seconds = drained.ended - began
    say(f"drained in {seconds:.1f} s, nothing lost, nothing twice")
    outage = "no query of the backlog is lost, and none is twice on the ledger or in an inbox"
    return [
        Figure(f"backlog of {backlog:,}, drained", "s", Series((seconds,)), note=outage),
        Figure("first of it in an inbox", "s", Series((drained.started - began,)), note="after the database's start"),
        Figure("drained", "queries/s", Series((backlog / seconds,))),
        Figure("drained, of capacity", "of it", Series((backlog / seconds / capacity,))),
    ]


async def _is_taken_in(running: Exchange) -> bool:
    return await running.waiting(INGRESS) == 0


@asynccontextmanager
async def _mortal_database(servers: Servers, directory: Path) -> AsyncIterator[tuple[Servers, DatabaseServer]]:
    """The servers with another database in the place of theirs, which nobody starts again when it is stopped."""
    ports = choose(private_directory(directory), None, ["database"])
    server = DatabaseServer("database", directory / "server", ports["database"], servers.credentials.database_password)
    await server.initialise()
    await server.start()
    try:
        template = await country_template(server.url, servers.credentials.admin_token)
        yield replace(servers, database=server.url, template=template), server
    finally:
        if not server.daemon.running:
            # What is made in a database is removed from it afterwards, also where the measurement failed.
            await server.start()
        await server.stop()
