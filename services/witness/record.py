"""The newest checkpoint that a witness has cosigned of each log, on disk.

It only ever goes forward, and is on the disk itself before anybody is told: with a record that forgets, a witness would
cosign a second history.
"""

import contextlib
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from contracts.checkpoints import Checkpoint
from services.witness.judging import NEVER, Seen

_TABLE = """
CREATE TABLE IF NOT EXISTS checkpoint (
    origin TEXT PRIMARY KEY,
    size INTEGER NOT NULL CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL
)
"""
_ADVANCE = """
INSERT INTO checkpoint (origin, size, root, note) VALUES (?, ?, ?, ?)
    ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note
 WHERE excluded.size > checkpoint.size OR (excluded.size = checkpoint.size AND excluded.root = checkpoint.root)
"""


class RecordError(Exception):
    """The record cannot be opened; the text says why and what to do."""


class Record:
    """One file of SQLite, used by one process at a time. Every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        """Open the record, or make an empty one. Raises RecordError where another process has it, or it is none."""
        self._turn = threading.Lock()
        self._held = _hold(path.with_suffix(".lock"))
        try:
            # Made here with its mode, so that there is no moment in which others could read it.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # EXTRA is FULL, and also syncs the directory that the rollback journal is removed from: without that, a
            # machine that loses its power might roll back what was committed last.
            self._database.execute("PRAGMA synchronous = EXTRA")
            self._database.execute("PRAGMA journal_mode = DELETE")
            self._database.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            os.close(self._held)
            raise RecordError(f"{path} cannot be used as a witness's record: {error}") from error

    def close(self) -> None:
        """Let another process have it."""
        with self._turn:
            self._database.close()
            os.close(self._held)

    def seen(self, origin: str) -> Seen:
        """The newest checkpoint of a log."""
        with self._turn:
            return self._seen(origin)

    def logs(self) -> dict[str, int]:
        """Of which logs checkpoints were cosigned, and up to which size."""
        with self._turn:
            return dict(self._database.execute("SELECT origin, size FROM checkpoint").fetchall())

    def advance(self, checkpoint: Checkpoint, note: str, judge: Callable[[Seen], None]) -> None:
        """Put ``checkpoint`` in the place of the one before it, which ``judge`` has been shown and has not objected to
        by raising anything. Nobody else's comes in between. It is on the disk when this returns.

        Raises what ``judge`` raises, and sqlite3.Error where it cannot be written; then nothing has changed.
        """
        with self._turn, self._transaction():
            judge(self._seen(checkpoint.origin))
            values = (checkpoint.origin, checkpoint.size, checkpoint.root, note)
            if self._database.execute(_ADVANCE, values).rowcount != 1:
                raise AssertionError("a checkpoint that goes back was let through")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        except BaseException:
            # A COMMIT that failed may have ended the transaction by itself.
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def _seen(self, origin: str) -> Seen:
        row = self._database.execute("SELECT size, root FROM checkpoint WHERE origin = ?", (origin,)).fetchone()
        return NEVER if row is None else Seen(*row)


def _hold(path: Path) -> int:
    """The lock that keeps other processes away for as long as this one lives. Raises RecordError."""
    try:
        held = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise RecordError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        raise RecordError(f"another witness runs in {path.parent}; one at a time keeps a record") from error
    return held
