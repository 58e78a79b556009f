"""Health: whether a service is alive, and whether it can do its work.

Alive means that its event loop turns. Ready means that everything it needs is there; each dependency is asked and
named.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Check = Callable[[], str | Awaitable[str | None] | None]
"""Returns None when all is well, otherwise a sentence on what is the matter. May be a coroutine function, may raise."""

CHECK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """What each named check said: None, or what is the matter."""

    checks: dict[str, str | None]

    @property
    def ready(self) -> bool:
        """Whether nothing is the matter."""
        return all(fault is None for fault in self.checks.values())

    def to_dict(self) -> dict[str, object]:
        """As ``/readyz`` answers it."""
        checks = {
            name: {"ok": True} if fault is None else {"ok": False, "detail": fault}
            for name, fault in self.checks.items()
        }
        return {"status": "ready" if self.ready else "not ready", "checks": checks}


class Health:
    """The named checks of one service."""

    def __init__(self, timeout_s: float = CHECK_SECONDS) -> None:
        self._checks: dict[str, Check] = {}
        self._timeout_s = timeout_s

    def add(self, name: str, check: Check) -> None:
        """Ask ``check`` whenever readiness is asked for. Raises ValueError when the name is taken."""
        if name in self._checks:
            raise ValueError(f"there is a check named {name!r} already")
        self._checks[name] = check

    async def readiness(self) -> Readiness:
        """Ask all checks side by side; one that takes longer than the limit or raises counts as failed."""
        faults = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
        return Readiness(dict(zip(self._checks, faults, strict=True)))

    async def _ask(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = check()
                return await answer if inspect.isawaitable(answer) else answer
        except TimeoutError:
            return f"no answer within {self._timeout_s:g} s"
        except Exception as error:
            # Whatever a check raises is its answer.
            return f"{type(error).__name__}: {error}"
