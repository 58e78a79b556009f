"""Runs chaos: ``python -m tests.faults.chaos --duration 300 [--seed 7]``, which is ``make chaos DURATION=300 SEED=7``.

It kills, pauses and fills up an exchange under load, of which everything is its own: broker, database, two instances
of each service. Then it heals everything and holds what senders and recipients wrote down against the ledger. The seed
is printed, and replays the same schedule. What was found is left in ``--reports`` as ``report.txt`` and
``report.json``; when something was wrong, logs and journals stay beside it, without the data of the servers.
"""

import argparse
import asyncio
import logging
import secrets
import shutil
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

from services.cli.stack.waiting import unless_stopped
from tests.faults.chaos.report import summary, write
from tests.faults.chaos.run import chaos
from tests.faults.chaos.volume import MountError

REPORTS = Path(".huizhi-chaos")


async def _run(seed: int, duration: float, reports: Path, *, keep: bool) -> int:
    directory = reports / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-seed-{seed}"
    work = (directory / "exchange").absolute()
    try:
        outcome = await chaos(seed, duration, work, say=_say)
    except MountError as error:
        _say(str(error))
        return 2
    write(outcome, directory)
    if outcome.clean and not keep:
        shutil.rmtree(work)
    _say(f"\n{summary(outcome)}\nreport: {directory / 'report.txt'}")
    return 0 if outcome.clean else 1


async def _until_done_or_stopped(seed: int, duration: float, reports: Path, *, keep: bool) -> int:
    status = 1

    async def work() -> None:
        nonlocal status
        status = await _run(seed, duration, reports, keep=keep)

    # Whoever ends it leaves no server running and no disk mounted.
    await unless_stopped(work())
    return status


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """The exit status: 0 when all is well, 1 when something is wrong, 2 when it cannot be shown here."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--duration", type=float, default=300.0, help="seconds of harm")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--reports", type=Path, default=REPORTS)
    parser.add_argument("--keep", action="store_true", help="leave logs and journals in any case")
    given = parser.parse_args()
    # Parties that wait for a server which was killed would fill the terminal with their attempts, and aio-pika with
    # what it says of a connection that was never made.
    logging.getLogger("aiormq.connection").setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", "coroutine 'Connection.close' was never awaited", RuntimeWarning)
    return asyncio.run(_until_done_or_stopped(given.seed, given.duration, given.reports, keep=given.keep))


if __name__ == "__main__":
    sys.exit(main())
