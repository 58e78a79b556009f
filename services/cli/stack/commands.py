"""`huizhi up` and `huizhi down`."""

import asyncio
import sys
from typing import Annotated

import typer

from services.cli.context import DEFAULT_DATA, DataOption
from services.cli.stack import down as stopping
from services.cli.stack.progress import Terminal
from services.cli.stack.up import Options, running_stack
from services.cli.stack.waiting import unless_stopped

_Count = Annotated[int, typer.Option(min=1, max=10, metavar="COUNT", help="How many instances to run.")]
_PortBase = Annotated[
    int | None,
    typer.Option(
        min=1024,
        max=65_000,
        metavar="N",
        help="The first of the stack's ports: gateway N, ledger N+1, router N+2, broker N+3. Default: a free block.",
    ),
]


def up(
    data: DataOption = DEFAULT_DATA,
    port_base: _PortBase = None,
    gateways: _Count = 1,
    routers: _Count = 1,
    ledgers: _Count = 1,
) -> None:
    """Start a local stack and hold it in the foreground until Ctrl-C or `huizhi down`."""
    counts = {"gateway": gateways, "router": routers, "ledger": ledgers}
    asyncio.run(unless_stopped(_hold(Options(data, port_base, counts), Terminal())))


def down(data: DataOption = DEFAULT_DATA) -> None:
    """Stop the local stack of a directory; its data stays."""
    stopping.stop_stack(data.resolve(), Terminal().say)


async def _hold(options: Options, terminal: Terminal) -> None:
    async with running_stack(options, terminal) as stack:
        terminal.say(f"gateway {stack.gateway_url}   ledger {stack.ledger_url}   Ctrl-C stops the stack")
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()
