"""What the Merkle tree costs: the exchange's capacity with it and without it, in turns."""

from functools import partial
from pathlib import Path

from tests.bench.capacity import capacity
from tests.bench.measuring import ROUNDS, in_turns, ratios
from tests.bench.saying import say
from tests.bench.table import Figure
from tests.faults.harness.servers import Servers


async def tree_case(servers: Servers, directory: Path) -> list[Figure]:
    """The exchange's capacity with the tree, and as a part of that without it."""
    ways = {"with": ("-m",), "without": ("-m", "tests.bench.without", "tree")}
    rounds = {name: iter(range(ROUNDS)) for name in ways}

    async def measure(name: str) -> float:
        measured = await capacity(servers, directory / f"{name}-{next(rounds[name])}", ways[name])
        say(f"{name} the tree: {measured:,.0f} queries/s")
        return measured

    measured = await in_turns({name: partial(measure, name) for name in ways})
    kept = ratios(measured["with"], measured["without"])
    return [
        Figure("capacity with the tree", "queries/s", measured["with"]),
        Figure("capacity without the tree", "queries/s", measured["without"]),
        Figure("kept with the tree", "of it", kept, at_least=0.9, note="with / without, in turns"),
    ]
