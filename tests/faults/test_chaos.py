"""Chaos, shortly: what `make chaos` does for minutes, here for seconds and always by the same schedule."""

import json
from pathlib import Path

import pytest

from tests.faults.chaos.faults import SERVICES, Fault
from tests.faults.chaos.report import summary, write
from tests.faults.chaos.run import chaos

# This schedule kills every part, pauses a ledger and a router, and fills the database's disk.
SEED, SECONDS = 28124, 20


# aio-pika says so of a connection that was never made, when it is collected in a thread that has no event loop.
@pytest.mark.filterwarnings("ignore:coroutine 'Connection.close' was never awaited:RuntimeWarning")
@pytest.mark.timeout(400)
async def test_whatever_is_killed_nothing_is_lost_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    outcome = await chaos(SEED, SECONDS, tmp_path / "exchange", print, quick=True)
    write(outcome, tmp_path / "report")
    report = json.loads((tmp_path / "report" / "report.json").read_text())

    assert outcome.clean, summary(outcome)
    assert set(outcome.kills) & set(SERVICES)
    assert {"broker", "database"} <= set(outcome.kills)
    assert {done.strike.fault for done in outcome.executed} >= {Fault.KILL, Fault.PAUSE, Fault.DISK}
    assert outcome.verdict.confirmed
    assert report["sentence"] == outcome.verdict.line
    assert (report["figures"]["lost"], report["figures"]["counted_twice"]) == (0, 0)
    assert len(report["schedule"]) == len(outcome.executed)
