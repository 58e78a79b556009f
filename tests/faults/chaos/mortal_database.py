"""A PostgreSQL server of the run's own on a small disk, and what can be done to it."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.cli.stack import postgres
from services.cli.stack.processes import ProcessIdentity
from tests.acceptance.waiting import until
from tests.cluster.database_server import DatabaseServer
from tests.faults.chaos.volume import Volume, volume

VOLUME_MB = 1500
NO_ANSWER = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What whoever asks may get instead of an answer, as the server goes down."""

_WRITE = "SELECT pg_logical_emit_message(true, 'chaos', 'a log segment without a record is not switched')"
_FULL = "No space left on device"
_WRITER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY "
_WRITER += "application_name = 'huizhi ledger writer' DESC, pid LIMIT 1"


@dataclass(frozen=True, slots=True)
class MortalDatabase:
    """The server and its disk."""

    server: DatabaseServer
    disk: Volume

    async def stop_at_once(self) -> None:
        """Immediate stop, as a crash of the machine would be: nothing is written any more."""
        await self.server.daemon.stop(signal.SIGQUIT)

    async def up(self) -> None:
        """See that it runs, and wait until it answers."""

        async def answers() -> bool:
            # Its recovery, too, may have met a full disk, and ended it a moment ago.
            if not self.server.daemon.running:
                await self.server.start()
            return await postgres.answers(self.server.url)

        await until("the database answers", answers, within_s=120)

    async def kill_writer(self) -> None:
        """``kill -9`` of the backend that a ledger writes through; the server ends all others and recovers."""
        pid = await self.server.value(_WRITER)
        backend = ProcessIdentity.of("backend", pid) if isinstance(pid, int) else None
        if backend is not None:
            backend.send(signal.SIGKILL)
            await until("the backend is gone", lambda: not backend.is_alive())

    async def run_out_of_room(self, within_s: float = 60.0) -> None:
        """Have it use up the log segments that it has in store, and wait until it says that its disk is full."""
        before = self._complaints()

        async def complains() -> bool:
            with suppress(*NO_ANSWER):
                await self.server.execute(_WRITE, "SELECT pg_switch_wal()")
            return self._complaints() > before

        await until("the database's disk is full", complains, within_s=within_s)

    def panics(self) -> int:
        """How often it could not go on."""
        return self.server.daemon.log.read_text(errors="replace").count("PANIC:")

    def _complaints(self) -> int:
        return self.server.daemon.log.read_text(errors="replace").count(_FULL)


@asynccontextmanager
async def mortal_database(directory: Path, port: int, password: str, logs: Path) -> AsyncIterator[MortalDatabase]:
    """A server that is up inside the ``async with``, and gone after it. Raises MountError."""
    with volume(directory, VOLUME_MB) as disk:
        server = DatabaseServer("database", directory, port, password)
        # Not on the disk that is filled: it is to say so.
        server.daemon.log = logs / "database.log"
        await server.initialise()
        try:
            await server.start()
            yield MortalDatabase(server, disk)
        finally:
            disk.relieve()
            await server.stop()
