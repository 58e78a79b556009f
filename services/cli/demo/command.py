"""`huizhi demo`."""

import asyncio
import logging
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from services.cli.client import API
from services.cli.context import DEFAULT_DATA, DataOption, JSONOption, print_json
from services.cli.demo.cast import gather
from services.cli.demo.play import play
from services.cli.demo.report import ask_outcome, document, print_outcome, print_whereabouts
from services.cli.demo.script import QUERIES_A_TIER
from services.cli.demo.view import View
from services.cli.errors import CommandError, StackError
from services.cli.stack.progress import Terminal
from services.cli.stack.stack_file import StackFile
from services.cli.stack.up import Options, running_stack
from services.cli.stack.waiting import unless_stopped


def demo(
    data: DataOption = DEFAULT_DATA,
    stay: Annotated[bool, typer.Option("--stay", help="Stay up afterwards, until Ctrl-C.")] = False,
    port_base: Annotated[
        int | None, typer.Option(min=1024, max=65_000, metavar="N", help="As for `huizhi up`.")
    ] = None,
    as_json: JSONOption = False,
) -> None:
    """Play the demonstration: a district is asked 714 times over each tier, and answers 713 of each.

    It starts the local stack, or uses the one that is up. It succeeds only if the ledger says 713/714 twice.
    """
    demonstration = _Demonstration(data, stay=stay, as_json=as_json)
    asyncio.run(unless_stopped(demonstration.run(port_base)))
    if not demonstration.over:
        raise CommandError("stopped before the demonstration was over")


class _Demonstration:
    """One call of the command."""

    def __init__(self, data: Path, *, stay: bool, as_json: bool) -> None:
        self._data = data
        self._stay = stay
        self._as_json = as_json
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._terminal = Terminal(self._console)
        self.over = False

    async def run(self, port_base: int | None) -> None:
        if (addresses := await _up_already(self._data)) is not None:
            self._terminal.say(f"the stack in {self._data} is up already")
            await self._play(addresses, stays=True)
            return
        async with running_stack(Options(self._data, port_base), self._terminal) as addresses:
            await self._play(addresses, stays=self._stay)
            if self._stay:
                self._terminal.say("The stack stays up; Ctrl-C stops it.")
                await asyncio.Event().wait()

    async def _play(self, addresses: StackFile, *, stays: bool) -> None:
        with self._terminal.step("participants"):
            cast = await asyncio.to_thread(gather, self._data)
        self._terminal.say(
            f"{cast.counties:,} counties in the directory; {len(cast.all())} participants in {cast.provinces} provinces"
        )
        self._terminal.say(f"{cast.district.address} is sent {QUERIES_A_TIER} queries over each tier")
        _silence_the_amqp_library()
        began, view = time.monotonic(), View(self._console)
        with view.showing():
            played = await play(self._data, addresses, cast, view.show)
        self._terminal.say(f"played in {time.monotonic() - began:.1f} s")
        with API(self._data, addresses) as api:
            outcome = await asyncio.to_thread(ask_outcome, api, played)
        if self._as_json:
            print_json(document(outcome, addresses))
        else:
            print_outcome(outcome)
        if faults := outcome.faults():
            raise CommandError("\n  ".join(["the ledger does not say what it should:", *faults]))
        self.over = True
        if not self._as_json:
            print_whereabouts(self._data, addresses, outcome.log_keys, stays=stays)


def _silence_the_amqp_library() -> None:
    """A lost connection is shown among what goes on, and not as a traceback for each of eighty connections."""
    for name in ("aiormq", "aio_pika"):
        library = logging.getLogger(name)
        library.addHandler(logging.NullHandler())
        library.propagate = False


async def _up_already(data: Path) -> StackFile | None:
    """The stack that is up and ready in `data`; None where there is none, or only what a killed one has left."""
    try:
        addresses = StackFile.read(data)
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            answers = [await client.get(f"{service.url}/readyz") for service in addresses.services]
    except (StackError, httpx.TransportError):
        return None
    return addresses if all(answer.is_success for answer in answers) else None
