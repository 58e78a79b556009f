"""How many bytes an exchange and its broker have put on disk."""

from dataclasses import dataclass
from pathlib import Path

from tests.bench.exchange import Exchange
from tests.bench.usage import pids, written_bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """The size of the exchange's database with its indexes, what PostgreSQL has written to its log (WAL), and what the
    broker's process has caused to be written to disk, its quorum queues' log and segments above all.
    """

    database: float
    database_log: float
    broker: float

    @classmethod
    async def now(cls, running: Exchange) -> "Stored":
        """At this moment."""
        async with running.stack.database() as connection:
            size = await connection.fetchval("SELECT pg_database_size(current_database())")
            log = await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint")
        return cls(size, log, written_bytes(pids(running.stack)["broker"]))

    def since(self, before: "Stored", messages: int) -> "Stored":
        """What came since, for each of so many messages."""
        return Stored(
            (self.database - before.database) / messages,
            (self.database_log - before.database_log) / messages,
            (self.broker - before.broker) / messages,
        )


def occupied_bytes(directory: Path) -> int:
    """What the files below a directory take on its disk."""
    blocks = 0
    for file in directory.rglob("*"):
        try:
            blocks += file.lstat().st_blocks
        except FileNotFoundError:
            # A broker removes files while it is looked at.
            continue
    return 512 * blocks
