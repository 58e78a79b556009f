"""Round trips: a query to its recipient and the answer back to its sender, both on the ledger, against the broker's
work of two times two hops.
"""

from pathlib import Path

from tests.bench.ceiling import raw_hops
from tests.bench.exchange import exchange
from tests.bench.measuring import Series, in_turns, ratios
from tests.bench.saying import say
from tests.bench.table import Figure
from tests.faults.harness.servers import Servers

QUERIES = 25_000
OF_THE_CEILING = 0.45


async def round_trips_case(servers: Servers, directory: Path, queries: int = QUERIES) -> list[Figure]:
    """The exchange, and the ceiling with as many messages as there are queries and answers, in turns."""
    async with exchange(servers, directory) as running, raw_hops(servers) as hops:

        async def ours() -> float:
            measured = (await running.round_trips(queries)).per_second
            say(f"round trips: {measured:,.0f}/s")
            return measured

        async def ceiling() -> float:
            measured = (await hops.pass_through(2 * queries)).per_second
            say(f"ceiling: {measured:,.0f} messages/s")
            return measured

        measured = await in_turns({"ceiling": ceiling, "round trips": ours})
    # A round trip takes the broker twice what one message over two hops takes it.
    work = Series(tuple(value / 2 for value in measured["ceiling"].values))
    part = ratios(measured["round trips"], work)
    return [
        Figure("round trips", "queries/s", measured["round trips"], note="asked and answered, both on the ledger"),
        Figure(
            "round trips of the ceiling", "of it", part, at_least=OF_THE_CEILING, note="of half the ceiling, in turns"
        ),
    ]
