"""One run of chaos: load, the schedule carried out, everything healed, and the verdict."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.chaos.bench import ChaosBench, chaos_bench
from tests.faults.chaos.faults import TARGETS
from tests.faults.chaos.load import under_load
from tests.faults.chaos.outcome import Executed, Outcome
from tests.faults.chaos.schedule import Strike, schedule
from tests.faults.chaos.striking import strike_now
from tests.faults.chaos.watch import watched

SETTLED_WITHIN_S = 240.0
QUIET_S = 40.0

Say = Callable[[str], None]


async def chaos(seed: int, duration: float, directory: Path, say: Say, *, quick: bool = False) -> Outcome:
    """Harm an exchange for ``duration`` seconds by the schedule of ``seed``; what became of it. Raises MountError."""
    say(f"seed {seed}, {duration:g} s; this seed and duration replay the same schedule")
    async with chaos_bench(directory, quick=quick) as bench:
        async with watched(bench) as watch, under_load(bench):
            executed = await _carry_out(schedule(seed, duration, bench.heartbeat), duration, bench, say)
        say("everything is up again; waiting until all is quiet")
        healed = time.monotonic()
        verdict = await bench.parties.verdict(within_s=SETTLED_WITHIN_S, quiet_s=QUIET_S)
        return Outcome(
            seed=seed,
            duration=duration,
            executed=executed,
            verdict=verdict,
            kills=dict(sorted(bench.keeper.kills.items())),
            ends=bench.keeper.ends,
            looks=watch.looks,
            seen=watch.faults,
            settled_after=time.monotonic() - healed,
            versions=await bench.versions(),
        )


async def _carry_out(strikes: Sequence[Strike], duration: float, bench: ChaosBench, say: Say) -> list[Executed]:
    """Every target's strikes one after the other, late rather than not at all; all targets at once."""
    began = time.monotonic()
    executed: list[Executed] = []

    async def suffer(target: str) -> None:
        for strike in strikes:
            if strike.target == target:
                await asyncio.sleep(max(0.0, began + strike.at - time.monotonic()))
                at = time.monotonic() - began
                saw = await strike_now(bench, strike)
                done = Executed(strike, round(at, 2), round(time.monotonic() - began, 2), saw)
                executed.append(done)
                say(line(done))

    async with asyncio.TaskGroup() as group:
        for target in TARGETS:
            group.create_task(suffer(target))
    await asyncio.sleep(max(0.0, began + duration - time.monotonic()))
    return sorted(executed, key=lambda done: done.began)


def line(done: Executed) -> str:
    """One strike as a line for people."""
    strike = done.strike
    return (
        f"{done.began:7.1f} s  {strike.target:<10} {strike.fault:<28} for {strike.held:4.1f} s, "
        f"over after {done.ended - done.began:5.1f} s: {done.saw}"
    )
