"""Latency: how long a query takes from the moment at which it was due to be published until it is read from its inbox,
beside a message over the raw two hops at the same rate; and how long a lone one takes at an idle exchange.

From when it was due, not from when it was sent: a publisher that is held up would hide what holds it up.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.ceiling import raw_hops
from tests.bench.exchange import exchange
from tests.bench.measuring import Series, in_turns, percentile
from tests.bench.saying import say
from tests.bench.table import Figure
from tests.faults.harness.servers import Servers

FINDING_OUT = 20_000
PARTS = {"a tenth of capacity": 0.1, "half of capacity": 0.5}
SECONDS = 20.0
LONE, LONE_EVERY_S = 200, 0.25
LONE_P50_MS, LONE_P99_MS = 15, 50
PERCENTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


@dataclass(slots=True)
class Delays:
    """Milliseconds, round by round."""

    rounds: list[list[float]] = field(default_factory=list)

    def read(self, file: Path) -> float:
        """Take a round in, from a file with microseconds; its median."""
        self.rounds.append([int(line) / 1000 for line in file.read_text().split()])
        return percentile(self.rounds[-1], 0.5)

    def at(self, part: float) -> Series:
        """A percentile of each round."""
        return Series(tuple(percentile(values, part) for values in self.rounds))


async def latency_case(
    servers: Servers, directory: Path, seconds: float = SECONDS, lone: int = LONE, finding_out: int = FINDING_OUT
) -> list[Figure]:
    """At each rate the exchange and the raw hops, in turns."""
    figures: list[Figure] = []
    async with exchange(servers, directory) as running, raw_hops(servers) as hops:
        capacity = (await running.queries(finding_out)).per_second
        say(f"capacity: {capacity:,.0f} queries/s")
        file = directory / "delays"

        async def both(name: str, count: int, rate: float) -> dict[str, Delays]:
            delays = {"exchange": Delays(), "raw": Delays()}

            def measure(whose: str, go: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[float]]:
                async def round_() -> float:
                    await go()
                    median = delays[whose].read(file)
                    say(f"{name}, {whose}: {median:.2f} ms at p50")
                    return median

                return round_

            await in_turns(
                {
                    "exchange": measure("exchange", lambda: running.queries(count, rate, file)),
                    "raw": measure("raw", lambda: hops.pass_through(count, rate, file)),
                }
            )
            return delays

        for name, part in PARTS.items():
            rate = part * capacity
            delays = await both(name, max(1, int(rate * seconds)), rate)
            for whose, measured in delays.items():
                for words, which in PERCENTILES.items():
                    note = f"{rate:,.0f}/s"
                    figures.append(Figure(f"{whose} at {name}, {words}", "ms", measured.at(which), note=note))
        alone = await both("a lone message", lone, 1 / LONE_EVERY_S)
    bars = {"p50": LONE_P50_MS, "p99": LONE_P99_MS}
    for words, most in bars.items():
        figures += [
            Figure(f"lone message, {words}", "ms", alone["exchange"].at(PERCENTILES[words]), at_most=most),
            Figure(f"lone message over raw hops, {words}", "ms", alone["raw"].at(PERCENTILES[words])),
        ]
    return figures
