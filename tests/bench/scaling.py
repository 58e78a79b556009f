"""Scaling out: the capacity with one gateway and one router, and with two of each; and which processes are busy."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.bench.exchange import Exchange, exchange
from tests.bench.measuring import Series, in_turns, ratios
from tests.bench.saying import say
from tests.bench.table import Figure
from tests.bench.throughput import Round
from tests.faults.harness.servers import Servers

QUERIES = 30_000
# The broker knows accounts by name, whatever the vhost: the same sender at another exchange would get a new password.
OTHER_SENDER = "110102"


async def scaling_case(servers: Servers, directory: Path, queries: int = QUERIES) -> list[Figure]:
    """Both exchanges are there all the time, and take turns."""
    rounds: dict[str, list[Round]] = {"1": [], "2": []}

    def measure(number: str, running: Exchange) -> Callable[[], Coroutine[Any, Any, float]]:
        async def one() -> float:
            rounds[number].append(await running.queries(queries))
            measured = rounds[number][-1].per_second
            say(f"{number} gateways and routers: {measured:,.0f} queries/s")
            return measured

        return one

    async with (
        exchange(servers, directory / "1") as one,
        exchange(servers, directory / "2", sender=OTHER_SENDER, counts={"gateway": 2, "router": 2}) as two,
    ):
        measured = await in_turns({"1": measure("1", one), "2": measure("2", two)})
    gained = ratios(measured["2"], measured["1"])
    return [
        *(_capacity(number, measured[number]) for number in rounds),
        Figure("capacity with 2, of that with 1", "times", gained, note="in turns"),
        *(figure for number, those in rounds.items() for figure in _busy(number, those)),
    ]


def _capacity(number: str, measured: Series) -> Figure:
    return Figure(f"capacity, {number} gateways and {number} routers", "queries/s", measured)


def _busy(number: str, rounds: list[Round]) -> list[Figure]:
    """Where each process stands: one of Python is at its end at 1.0, all together at the machine's cores."""
    figures = [
        Figure(f"busy with {number}: {name}", "cores", Series(tuple(one.cpu[name] / one.seconds for one in rounds)))
        for name in sorted(rounds[0].cpu)
    ]
    together = Series(tuple(sum(one.cpu.values()) / one.seconds for one in rounds))
    return [*figures, Figure(f"busy with {number}: all", "cores", together)]
