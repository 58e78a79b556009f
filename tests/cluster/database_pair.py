"""A primary and its synchronous standby."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.cli.stack import postgres
from services.cli.stack.ports import choose
from tests.cluster.database_server import DatabaseServer


@dataclass(frozen=True, slots=True)
class DatabasePair:
    """Two servers, the first of which began as the primary."""

    first: DatabaseServer
    second: DatabaseServer

    @property
    def url(self) -> str:
        """The superuser's URL of both: whoever uses it finds the one that can be written to."""
        entry = f"{postgres.OWNER}:{self.first.password}"
        places = f"{self.first.place},{self.second.place}"
        return f"postgresql://{entry}@{places}/{postgres.DATABASE}?target_session_attrs=read-write"


@asynccontextmanager
async def database_pair(directory: Path) -> AsyncIterator[DatabasePair]:
    """A pair that is up, with every COMMIT on both; gone after the ``async with``."""
    first, second = new_servers(directory, "db1", "db2")
    try:
        await first.initialise()
        await first.start()
        # pg_rewind needs the log from before the two went apart. It is in the data, as all that outlasts a copy.
        await first.execute("ALTER SYSTEM SET wal_keep_size = '256MB'")
        await second.copy_from(first)
        await second.start()
        await first.require_standby(second.name)
        yield DatabasePair(first, second)
    finally:
        await second.stop()
        await first.stop()


def new_servers(directory: Path, *names: str) -> list[DatabaseServer]:
    """Servers of these names that share a password; nothing of them is there yet but their ports."""
    password = secrets.token_hex(16)
    ports = choose(directory, None, list(names))
    return [DatabaseServer(name, directory / name, ports[name], password) for name in names]
