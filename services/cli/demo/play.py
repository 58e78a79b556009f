"""A run: everybody plays their part at once, until the ledger says that it is done."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from services.cli.client import API
from services.cli.demo.account import Troubles, persistently
from services.cli.demo.cast import DISTRICT, Cast
from services.cli.demo.district import answer_queries
from services.cli.demo.opening import open_run
from services.cli.demo.origins import read_answers, send_queries
from services.cli.demo.script import Script, write_script
from services.cli.demo.tally import Tally
from services.cli.errors import CommandError
from services.cli.stack.stack_file import StackFile

WITHIN_S = 300.0
_LOOK_EVERY_S = 0.25
_CANCEL_AGAIN_S = 5.0
_NAMED = 3

Show = Callable[[Tally, str | None], None]
"""Is called with every new stand, and with what is wrong at the moment, if anything is."""


@dataclass(frozen=True, slots=True)
class Played:
    """A run that came to its end: from when on it is counted, and what was sent."""

    start: datetime
    script: Script


async def play(data: Path, addresses: StackFile, cast: Cast, show: Show, within_s: float = WITHIN_S) -> Played:
    """Send, answer, and wait for the ledger.
    Raises CommandError, saying what is missing, where the run goes wrong or does not end in time.
    """
    script = write_script({tier: [origin.address for origin in origins] for tier, origins in cast.origins.items()})
    tally, troubles = Tally(script), Troubles()
    with API(data, addresses) as api:
        try:
            async with asyncio.timeout(within_s):
                start = await open_run(data, addresses, cast.all()[-1], troubles)
                await _play_parts(cast, tally, troubles, _Watch(api, start, tally, troubles, show))
        except TimeoutError:
            trouble = troubles.summary()
            missing = [*tally.lacking(), *([trouble] if trouble else []), *await asyncio.to_thread(_astray, api, tally)]
            raise CommandError(_failure(f"the demonstration did not end within {within_s:.0f} s", missing)) from None
    return Played(start, script)


async def _play_parts(cast: Cast, tally: Tally, troubles: Troubles, watch: "_Watch") -> None:
    script = tally.script
    parts = [("district", partial(answer_queries, cast.district, script.left_open))]
    for origin in (*cast.origins["national"], *cast.origins["provincial"]):
        parts.append(
            (f"{origin.address} sends", partial(send_queries, origin, script.of_origin(origin.address), tally))
        )
        parts.append((f"{origin.address} reads", partial(read_answers, origin, script, tally)))
    tasks = [asyncio.create_task(persistently(who, troubles, work), name=who) for who, work in parts]
    try:
        await watch.until_done(tasks)
    finally:
        await _end(tasks)


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Cancel ``tasks`` until all have ended: a connection that is being closed may take a cancellation for its own."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Watch:
    """Asks the ledger how far the run is."""

    api: API
    start: datetime
    tally: Tally
    troubles: Troubles
    show: Show

    async def until_done(self, tasks: Sequence["asyncio.Task[None]"]) -> None:
        """Return once the ledger counts what a whole run counts. Raises CommandError where that cannot come any more,
        and whatever ended a participant's task.
        """
        while not self.tally.is_done:
            for task in tasks:
                if task.done():
                    task.result()
            await self._look()
            self.show(self.tally, self.troubles.summary())
            if faults := self.tally.faults():
                raise CommandError(_failure("the demonstration went wrong", faults))
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self) -> None:
        # A ledger that is being restarted is waited for like everything else.
        try:
            answer = await asyncio.to_thread(self.api.ask, "rate", jurisdiction=DISTRICT, from_=self.start.isoformat())
        except CommandError as error:
            self.troubles.note("ledger", str(error))
        else:
            self.troubles.forget("ledger")
            self.tally.ledger = answer["tiers"]


def _astray(api: API, tally: Tally) -> list[str]:
    """Where some queries of the run are that are in custody and were not answered."""
    said = []
    waiting = sorted(tally.in_custody - tally.back - tally.script.left_open)
    try:
        for id in waiting[:_NAMED]:
            message: dict[str, Any] | None = api.message(id)
            said.append(f"query {id} is {message['state'] if message is not None else 'not on the ledger yet'}")
    except CommandError as error:
        said.append(str(error))
    return said


def _failure(what: str, because: Sequence[str]) -> str:
    return "\n  ".join([f"{what}:", *because])
