"""Round trips: a query to its recipient and the answer back to its sender, both on the ledger, against the broker's
work of two times two hops.
"""

from pathlib import Path

from tests.bench.ceiling import beside_the_ceiling, raw_hops
from tests.bench.exchange import exchange
from tests.bench.measuring import Series, ratios
from tests.bench.table import Figure
from tests.faults.harness.servers import Servers

QUERIES = 25_000
OF_THE_CEILING = 0.45


async def round_trips_case(servers: Servers, directory: Path, queries: int = QUERIES) -> list[Figure]:
    """The exchange, and the ceiling with as many messages as there are queries and answers, in turns."""
    async with exchange(servers, directory) as running, raw_hops(servers) as hops:
        ours, ceiling = await beside_the_ceiling(hops, 2 * queries, "round trips", lambda: running.round_trips(queries))
    # A round trip takes the broker twice what one message over two hops takes it.
    work = Series(tuple(value / 2 for value in ceiling.values))
    part = ratios(ours, work)
    return [
        Figure("round trips", "queries/s", ours, note="asked and answered, both on the ledger"),
        Figure(
            "round trips of the ceiling", "of it", part, at_least=OF_THE_CEILING, note="of half the ceiling, in turns"
        ),
    ]
