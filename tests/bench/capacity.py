"""Capacity: how many queries a second go from ``ingress`` to the recipients' inboxes, each committed to the ledger
before it is handed over, and what part that is of what the broker itself can do in the same minutes.
"""

from collections.abc import Sequence
from pathlib import Path

from tests.bench.ceiling import beside_the_ceiling, raw_hops
from tests.bench.exchange import exchange
from tests.bench.measuring import ratios
from tests.bench.table import Figure
from tests.faults.harness.servers import Servers

QUERIES = 50_000
# Of an exchange that is made for one measurement.
ONCE = 20_000
OF_THE_CEILING = 0.5


async def capacity(servers: Servers, directory: Path, ledger: Sequence[str] = ("-m",), queries: int = ONCE) -> float:
    """Queries a second of an exchange of its own, whose ledger is run as ``python *ledger services.ledger``."""
    async with exchange(servers, directory, launchers={"ledger": ledger}) as running:
        return (await running.queries(queries)).per_second


async def capacity_case(servers: Servers, directory: Path, queries: int = QUERIES) -> list[Figure]:
    """The exchange and the ceiling, in turns."""
    async with exchange(servers, directory) as running, raw_hops(servers) as hops:
        ours, ceiling = await beside_the_ceiling(hops, queries, "capacity", lambda: running.queries(queries))
    part = ratios(ours, ceiling)
    return [
        Figure("ceiling", "messages/s", ceiling, note="publish, relay and drain over two quorum queues"),
        Figure("capacity", "queries/s", ours, note="from ingress to 40 inboxes"),
        Figure("capacity of the ceiling", "of it", part, at_least=OF_THE_CEILING, note="in turns"),
    ]
