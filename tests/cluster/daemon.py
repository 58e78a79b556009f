"""One server process, killed, paused and started at a test's will; nobody else starts it again."""

import asyncio
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Daemon:
    """``environment`` is the whole of it; nothing is inherited."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Start it; whether it answers is for the caller to find out."""
        assert not self.running
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.arguments,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o077,
            )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def kill(self) -> None:
        """``kill -9``."""
        self.send(signal.SIGKILL)
        await self._ended()

    async def stop(self, number: signal.Signals, within_s: float = 60.0) -> None:
        """Ask it to end in order, and see that it does; nothing where it has ended already."""
        if self.running:
            # A paused one hears nothing.
            self.send(signal.SIGCONT)
            self.send(number)
            try:
                async with asyncio.timeout(within_s):
                    await self._ended()
            except TimeoutError:
                await self.kill()

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else "(it said nothing)"

    async def _ended(self) -> None:
        assert self.process is not None
        await self.process.wait()
