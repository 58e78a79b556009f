"""The exchange beside peers at the same task with the same guarantees: from a quorum queue, a committed row in
PostgreSQL for each message, into the recipient's quorum queue with a confirm, and an ack after that.
"""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.bench.exchange import Exchange, counties, exchange
from tests.bench.measuring import in_turns, ratios
from tests.bench.peer import CELERY, FASTSTREAM, Peer, peer
from tests.bench.saying import say
from tests.bench.table import Figure
from tests.faults.harness.servers import Servers

QUERIES, OF_A_PEER = 30_000, 3_000
WARM_UP = 300
TIMES = 15


async def comparison_case(
    servers: Servers, directory: Path, queries: int = QUERIES, of_a_peer: int = OF_A_PEER
) -> list[Figure]:
    """All run all the time, and take turns. A peer gets fewer queries, or it would take minutes."""
    asked = counties(40)

    def measure(name: str, one: Exchange | Peer, count: int) -> Callable[[], Coroutine[Any, Any, float]]:
        async def per_second() -> float:
            measured = (await one.queries(count)).per_second
            say(f"{name}: {measured:,.0f} queries/s")
            return measured

        return per_second

    async with (
        exchange(servers, directory / "exchange", asked) as ours,
        peer(FASTSTREAM, servers, directory / "faststream", asked) as faststream,
        peer(CELERY, servers, directory / "celery", asked) as celery,
    ):
        for other in (faststream, celery):
            await other.queries(min(WARM_UP, of_a_peer))
        measured = await in_turns(
            {
                "exchange": measure("exchange", ours, queries),
                FASTSTREAM.name: measure(FASTSTREAM.name, faststream, of_a_peer),
                CELERY.name: measure(CELERY.name, celery, of_a_peer),
            }
        )
    figures = [Figure("capacity beside peers", "queries/s", measured["exchange"])]
    for name in (FASTSTREAM.name, CELERY.name):
        times = ratios(measured["exchange"], measured[name])
        figures += [
            Figure(f"{name}, the same task", "queries/s", measured[name], note="two processes"),
            Figure(f"the exchange, of {name}", "times", times, at_least=TIMES, note="in turns"),
        ]
    return figures
