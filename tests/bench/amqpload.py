"""The load generator ``amqpload.c``: compiled when it is needed, and run as one process for each thing it does."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from services.cli.stack import install

PAYLOAD_BYTES = 512
_SOURCE = Path(__file__).with_name("amqpload.c")
_DEBIAN = ("gcc", "libc6-dev", "librabbitmq-dev")
_FLAGS = ("-O2", "-Wall", "-Wextra", "-Werror")


class LoadFailed(Exception):  # noqa: N818 - It says what is the matter.
    """The load generator did not do what it was asked to; the text has its own words."""


@dataclass(frozen=True, slots=True)
class Timed:
    """How many messages, and from when to when, by ``time.monotonic``. ``cpu`` are the generator's own seconds."""

    count: int
    started: float
    ended: float
    cpu: float


@dataclass(slots=True)
class Load:
    """One process. Whoever consumes is consuming when one gets it."""

    process: asyncio.subprocess.Process
    _timed: Timed | None = field(default=None, init=False)

    async def done(self) -> Timed:
        """Wait for its end. Raises LoadFailed."""
        if self._timed is None:
            said, complaint = await self.process.communicate()
            if self.process.returncode != 0:
                raise LoadFailed(f"{complaint.decode().strip()} {said.decode().strip()}")
            self._timed = Timed(**json.loads(said.decode().splitlines()[-1]))
        return self._timed


@cache
def _program() -> tuple[Path, "TemporaryDirectory[str]"]:
    install.missing_packages(print, _DEBIAN)
    # It is gone with the process that compiled it.
    home = TemporaryDirectory(prefix="huizhi-amqpload-")
    program = Path(home.name) / "amqpload"
    command = ["gcc", *_FLAGS, "-o", str(program), str(_SOURCE), "-lrabbitmq"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LoadFailed(f"amqpload.c does not compile:\n{done.stderr}")
    return program, home


def compiled() -> Path:
    """The program, without a warning of the compiler. Raises LoadFailed."""
    return _program()[0]


@asynccontextmanager
async def running(mode: str, url: str, **options: str | float | Sequence[str] | None) -> AsyncIterator[Load]:
    """The program in a mode, gone afterwards. Options are named as it names them, with underscores; see its head.

    Raises LoadFailed.
    """
    arguments = ["--url", url]
    for name, value in options.items():
        given = [] if value is None else [value] if isinstance(value, str | int | float) else list(value)
        for one in given:
            arguments += [f"--{name.rstrip('_').replace('_', '-')}", str(one)]
    process = await asyncio.create_subprocess_exec(
        str(compiled()), mode, *arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    load = Load(process)
    try:
        if mode != "publish":
            assert process.stdout is not None
            if await process.stdout.readline() != b"consuming\n":
                await load.done()
        yield load
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
