"""Two ways of waiting: for several things at once, and for something that the operator may end."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def together(*work: Coroutine[Any, Any, Result]) -> list[Result]:
    """The results of all; the first failure cancels the others, waits for them to end, and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def unless_stopped(work: Coroutine[Any, Any, None]) -> bool:
    """Whether `work` came to its end; False when Ctrl-C, SIGTERM or a lost terminal ended it.

    The first signal cancels the work, which then cleans up; later ones change nothing, so that cleaning up is never
    cut short.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    task = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True
