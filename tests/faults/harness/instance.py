"""One process of a service, killed, stopped and started at a test's will."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from services.cli.stack.instances import Instance

PROJECT = Path(__file__).parents[3]
READY_WITHIN_S = 60.0


@dataclass(slots=True)
class ServiceProcess:
    """``instance`` as a process. ``environment`` and ``launcher`` hold from its next start on.

    ``deaths`` counts the times it was killed, by whatever means, or died by itself.
    """

    instance: Instance
    environment: dict[str, str]
    log: Path
    launcher: tuple[str, ...]
    deaths: int = 0
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """``ledger``, ``ledger-2``."""
        return self.instance.name

    @property
    def url(self) -> str:
        """Its HTTP address."""
        return self.instance.url

    @property
    def running(self) -> bool:
        """Whether the process is there, stopped or not."""
        return self.process is not None and self.process.returncode is None

    async def start(self, **environment: str) -> None:
        """Start it, with more settings; ``ready`` waits for it."""
        assert not self.running, f"{self.name} runs already"
        self.environment |= environment
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self.launcher,
                env=self.environment,
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Wait until it says that all it depends on is there."""
        deadline = time.monotonic() + within_s
        async with client() as http:
            while not await self._is_ready(http):
                assert self.running, f"{self.name} ended while it started:\n{self.last_words()}"
                assert time.monotonic() < deadline, f"{self.name} is not ready:\n{self.last_words()}"
                await asyncio.sleep(0.05)

    async def restart(self, **environment: str) -> None:
        """Start it again and wait until it is ready."""
        await self.start(**environment)
        await self.ready()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    async def kill(self) -> None:
        """``kill -9``."""
        self.send(signal.SIGKILL)
        await self.died()

    async def died(self, within_s: float = 30.0) -> int:
        """Wait until it has died, and count that; the exit status, negative for a signal."""
        assert self.process is not None
        async with asyncio.timeout(within_s):
            status = await self.process.wait()
        self.deaths += 1
        return status

    async def terminate(self, within_s: float = 15.0) -> tuple[int, float]:
        """SIGTERM; the exit status and how many seconds it took."""
        assert self.process is not None
        began = time.monotonic()
        self.send(signal.SIGTERM)
        async with asyncio.timeout(within_s):
            status = await self.process.wait()
        return status, time.monotonic() - began

    async def is_stopped(self) -> bool:
        """Whether it has stopped by SIGSTOP."""
        assert self.process is not None
        status = await asyncio.to_thread(Path(f"/proc/{self.process.pid}/stat").read_text)
        return status.rpartition(")")[2].split()[0] == "T"

    async def knows(self, participants: int, within_s: float = 15.0) -> None:
        """Wait until its snapshot of the registry has so many participants."""
        deadline = time.monotonic() + within_s
        while f'"participants": {participants}' not in self.log.read_text(errors="replace"):
            assert time.monotonic() < deadline, self.last_words()
            await asyncio.sleep(0.05)

    async def dispose(self) -> None:
        """End it, whatever state it is in."""
        if self.process is not None and self.running:
            self.process.kill()
            await self.process.wait()

    async def counted(self, metric: str) -> float:
        """A metric of its page, summed over its labels."""
        async with client() as http:
            page = (await http.get(f"{self.url}/metrics")).text
        lines = (line for line in page.splitlines() if line.startswith((f"{metric} ", f"{metric}{{")))
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def said(self, event: str) -> int:
        """How often its log names an event."""
        return self.log.read_text(errors="replace").count(f'"{event}"') if self.log.exists() else 0

    async def _is_ready(self, http: httpx.AsyncClient) -> bool:
        try:
            return (await http.get(f"{self.url}/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else "(it said nothing)"


def inherited() -> Mapping[str, str]:
    """The environment of the tests, without settings of an exchange that may run elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUIZHI_")}


def client(**more: Any) -> httpx.AsyncClient:
    """An HTTP client for plain HTTP on loopback: reading the certificates of the world would take it 70 ms."""
    return httpx.AsyncClient(timeout=15, trust_env=False, verify=False, **more)  # noqa: S501 - there is no TLS.
