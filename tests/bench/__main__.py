"""Measures, and holds what it measures against bars: ``make bench``, or ``make bench CASES="tree"`` for a few cases.

    capacity     queries from ingress to 40 inboxes, against the broker's own ceiling
    round-trips  queries and their answers, against twice the work of the ceiling
    peers        FastStream and Celery at the same task with the same guarantees
    latency      from publish to inbox at a tenth and at half of capacity, and of a lone message, beside the raw hops
    cost         what a query costs in processor time and bytes on disk, and how much memory the services need
    scaling      one and two gateways and routers, and which processes are busy then
    drain        a backlog that piled up while the database was away
    country      an inbox for every county, against forty
    tree         what the Merkle tree costs: the exchange's capacity with it and without it, in turns
    proofs       how long a proof takes as the log grows

It sets up servers of its own, prints one table, and writes ``tests/bench/results/latest.json``.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from services.cli.stack.waiting import unless_stopped
from tests.bench.amqpload import PAYLOAD_BYTES
from tests.bench.capacity import capacity_case
from tests.bench.comparison import comparison_case
from tests.bench.cost import cost_case
from tests.bench.country import country_case
from tests.bench.drain import drain_case
from tests.bench.latency import latency_case
from tests.bench.machine import description
from tests.bench.measuring import ROUNDS
from tests.bench.proofs import proofs_case
from tests.bench.round_trips import round_trips_case
from tests.bench.saying import say
from tests.bench.scaling import scaling_case
from tests.bench.servers import bench_servers
from tests.bench.shipping import shipped
from tests.bench.table import Figure, show
from tests.bench.tree import tree_case
from tests.faults.harness.servers import Servers

RESULTS = Path(__file__).parent / "results" / "latest.json"


CASES: Mapping[str, Callable[[Servers, Path], Awaitable[list[Figure]]]] = {
    "capacity": capacity_case,
    "round-trips": round_trips_case,
    "peers": comparison_case,
    "latency": latency_case,
    "cost": cost_case,
    "scaling": scaling_case,
    "drain": drain_case,
    "country": country_case,
    "tree": tree_case,
    "proofs": proofs_case,
}


async def bench(names: list[str]) -> int:
    """Measure the named cases; 0 if every bar holds. Raises what a case raises, with the figures before it kept."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="huizhi-bench-", ignore_cleanup_errors=True) as home:
        try:
            async with bench_servers(Path(home) / "servers") as servers:
                for name in names:
                    say(f"{name}:")
                    figures += await CASES[name](servers, Path(home) / name)
                    _keep(figures)
        finally:
            # What was measured before a case failed has been paid for.
            show(figures)
    return 0 if all(figure.holds is not False for figure in figures) else 1


def _keep(figures: list[Figure]) -> None:
    settings = shipped() | {"payload_bytes": PAYLOAD_BYTES, "rounds": ROUNDS}
    results = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": description(),
        "settings": settings,
        "figures": [figure.to_dict() for figure in figures],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


def main() -> int:
    """The exit status: 0 when every bar holds, 1 when one is missed."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("cases", nargs="*", choices=list(CASES), help="all of them by default")
    names = parser.parse_args().cases or list(CASES)
    logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)
    status = 1

    async def work() -> None:
        nonlocal status
        status = await bench(names)

    asyncio.run(unless_stopped(work()))
    return status


if __name__ == "__main__":
    sys.exit(main())
