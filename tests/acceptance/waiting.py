"""Waiting for a condition, with a limit: what a test does instead of sleeping for luck."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

_LOOK_SECONDS = 0.02
_LONGEST_LOOK_SECONDS = 0.5


async def until(what: str, holds: Callable[[], bool | Awaitable[bool]], *, within_s: float = 60) -> None:
    """Return as soon as ``holds`` says so; it is asked ever more rarely. Raises AssertionError, naming ``what``, after
    ``within_s`` seconds.
    """
    deadline = time.monotonic() + within_s
    pause = _LOOK_SECONDS
    while True:
        answer = holds()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        assert time.monotonic() < deadline, f"{what}: not within {within_s:g} s"
        await asyncio.sleep(pause)
        pause = min(1.2 * pause, _LONGEST_LOOK_SECONDS)
