"""The country: an inbox for every county, recipients at random, against forty inboxes of one province.

The same exchange first has the forty and then all of them, on a broker of its own, which ends with it: so many queues
would weigh on whatever is measured beside them. The ceiling is measured in turns with each of the two.
"""

import time
from pathlib import Path

from tests.bench.ceiling import beside_the_ceiling, raw_hops
from tests.bench.exchange import Exchange, counties, exchange
from tests.bench.measuring import Series, ratios
from tests.bench.saying import say
from tests.bench.servers import bench_servers
from tests.bench.table import Figure
from tests.bench.usage import peak_mib, pids, reset_peak
from tests.faults.harness.servers import Servers

QUERIES = 30_000
FEW = 40


async def country_case(
    _servers: Servers, directory: Path, queries: int = QUERIES, few: int = FEW, many: int | None = None
) -> list[Figure]:
    """``many`` inboxes, by default all of the country's."""
    everybody = counties()[:many]
    asked = everybody[:few]
    async with (
        bench_servers(directory / "servers") as servers,
        exchange(servers, directory / "exchange", asked, removed=False) as running,
    ):
        running.at_random = True
        little, little_ceiling, little_peaks = await _measure(servers, running, queries)
        began = time.monotonic()
        await running.stack.add(*everybody[few:])
        adding = time.monotonic() - began
        say(f"{len(everybody) - few:,} participants were added in {adding:.0f} s")
        running.recipients = everybody
        much, much_ceiling, much_peaks = await _measure(servers, running, queries)
    inboxes = len(everybody) + 1
    return [
        Figure(f"capacity, {few} inboxes", "queries/s", little),
        Figure(f"capacity, {inboxes:,} inboxes", "queries/s", much),
        Figure(f"kept with {inboxes:,} inboxes", "of it", ratios(much, little)),
        Figure(f"capacity of the ceiling, {few} inboxes", "of it", ratios(little, little_ceiling), note="in turns"),
        Figure(
            f"capacity of the ceiling, {inboxes:,} inboxes",
            "of it",
            ratios(much, much_ceiling),
            note=f"in turns; the ceiling keeps {ratios(much_ceiling, little_ceiling).median:.2f} beside so many queues",
        ),
        *(
            Figure(f"peak memory of {name}, {how_many:,} inboxes", "MiB", Series((peaks[name],)))
            for name in little_peaks
            for how_many, peaks in ((few, little_peaks), (inboxes, much_peaks))
        ),
        Figure(f"adding {len(everybody) - few:,} participants", "s", Series((adding,))),
    ]


async def _measure(servers: Servers, running: Exchange, queries: int) -> tuple[Series, Series, dict[str, float]]:
    """Capacity, ceiling, and the peak of each process's memory meanwhile."""
    processes = {name: pid for name, pid in pids(running.stack).items() if name != "database"}
    for pid in processes.values():
        reset_peak(pid)
    name = f"{len(running.recipients):,} inboxes"
    async with raw_hops(servers) as hops:
        ours, ceiling = await beside_the_ceiling(hops, queries, name, lambda: running.queries(queries))
    return ours, ceiling, {name: peak_mib(pid) for name, pid in processes.items()}
