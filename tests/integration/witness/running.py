"""A witness as its operator runs it: `huizhi log witness` in a process of its own."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from contracts.notes import VerifierKey
from services.ledger.witness_file import WitnessAddress
from tests.acceptance.exchange import HUIZHI


@dataclass(slots=True)
class Running:
    """A witness that said `ready`."""

    process: asyncio.subprocess.Process
    key: VerifierKey
    url: str
    printed: list[str]
    messages: Path

    @property
    def address(self) -> WitnessAddress:
        """As the platform's file has it."""
        return WitnessAddress(self.key, self.url)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def said(self) -> str:
        """What it has logged."""
        return self.messages.read_text()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it; its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.process.wait()


def command(directory: Path, trusted: Sequence[object], port: int = 0, *more: str) -> list[str]:
    """The command that runs a witness in ``directory``."""
    trust = [word for key in trusted for word in ("--trust", str(key))]
    return [*HUIZHI, "log", "witness", "--data", str(directory), "--port", str(port), *trust, *more]


@asynccontextmanager
async def running(
    directory: Path, trusted: Sequence[object], *more: str, port: int = 0, **environment: str
) -> AsyncIterator[Running]:
    """A witness that is killed at the end, if it still lives."""
    messages = directory.with_name(f"{directory.name}.messages")
    with messages.open("a") as errors:
        process = await asyncio.create_subprocess_exec(
            *command(directory, trusted, port, *more),
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        assert process.stdout is not None
        printed: list[str] = []
        while not printed or printed[-1] != "ready":
            line = await process.stdout.readline()
            assert line, messages.read_text()
            printed.append(line.decode().rstrip("\n"))
        key, url = printed[-2].split()
        yield Running(process, VerifierKey.parse(key), url, printed, messages)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
