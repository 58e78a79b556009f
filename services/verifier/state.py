"""What the verifier remembers, in SQLite: in a file that goes on from one verification to the next, or in memory.

All of a verification is one transaction, committed when the checkpoint is found to hold: a verification that is stopped
leaves the file as it was. Of messages and duties only those that a stretch of entries names are held in memory.
"""

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from contracts.checkpoints import Checkpoint
from contracts.leaf import Totals
from contracts.notes import VerifierKey
from services.verifier import closings
from services.verifier.errors import StateError
from services.verifier.findings import Check, Finding, Findings
from services.verifier.numbering import Numbering, numbering
from services.verifier.records import Cohort, CohortKey, Duty, DutyKey, Message
from services.verifier.tree import GrowingTree, split

FORMAT = "huizhi-verify/1"

_SCHEMA = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE edge (level INTEGER PRIMARY KEY, hashes BLOB NOT NULL);
CREATE TABLE message (
    id BLOB PRIMARY KEY, type TEXT NOT NULL, origin TEXT NOT NULL, kind TEXT, correlation BLOB,
    duties INTEGER NOT NULL, running INTEGER NOT NULL, over INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE duty (
    message BLOB NOT NULL, number INTEGER NOT NULL, origin TEXT NOT NULL, address TEXT NOT NULL, tier TEXT NOT NULL,
    kind TEXT NOT NULL, period TEXT NOT NULL, began_at INTEGER NOT NULL, ended_at INTEGER, ended_as TEXT,
    on_time INTEGER NOT NULL, on_time_original INTEGER NOT NULL, substantive INTEGER NOT NULL,
    PRIMARY KEY (message, number));
-- A month is closed by its name.
CREATE INDEX duty_of_period ON duty (period);
CREATE TABLE cohort (
    role TEXT NOT NULL, address TEXT NOT NULL, tier TEXT NOT NULL, period TEXT NOT NULL, counted TEXT NOT NULL,
    stated TEXT NOT NULL, PRIMARY KEY (role, address, tier, period)) WITHOUT ROWID;
CREATE TABLE numbered (
    sender TEXT NOT NULL, number INTEGER NOT NULL, message BLOB NOT NULL, entry INTEGER NOT NULL,
    PRIMARY KEY (sender, number, message)) WITHOUT ROWID;
CREATE TABLE closing (period TEXT PRIMARY KEY, entry INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE finding (place INTEGER PRIMARY KEY, about TEXT NOT NULL, text TEXT NOT NULL, entry INTEGER, message BLOB);
"""
_WANTED = "CREATE TEMP TABLE wanted (id BLOB PRIMARY KEY) WITHOUT ROWID"
_OPEN = """
SELECT r.role, CASE r.role WHEN 'recipient' THEN address ELSE origin END AS of, tier, period, count(*)
  FROM duty, (SELECT 'recipient' AS role UNION ALL SELECT 'sender') AS r
 WHERE ended_at IS NULL GROUP BY 1, 2, 3, 4
"""


class State:
    """The memory of one verification; a context manager. What it holds on leaving it, uncommitted, is forgotten.

    Raises StateError on entering where ``path`` is no state, or in use; ``path`` None keeps it in memory.
    """

    def __init__(self, path: Path | None, patience_s: float = 5.0) -> None:
        self._path = path
        self._patience_s = patience_s
        self.messages: dict[UUID, Message] = {}
        self.duties: dict[DutyKey, Duty] = {}
        self.cohorts: dict[CohortKey, Cohort] = {}
        self.closed: dict[str, int] = {}
        self._numbered: list[tuple[str, int, bytes, int]] = []

    def __enter__(self) -> Self:
        try:
            # Stretches of entries are replayed in another thread than the one that fetches them, one at a time.
            self._lines = sqlite3.connect(
                ":memory:" if self._path is None else self._path,
                timeout=self._patience_s,
                isolation_level=None,
                check_same_thread=False,
            )
            self._begin()
        except sqlite3.Error as error:
            raise StateError(f"{self._path} cannot be used as a state: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # What was not committed is rolled back.
        self._lines.close()

    def _begin(self) -> None:
        lines = self._lines
        lines.execute("PRAGMA cache_size = -65536")
        lines.execute("PRAGMA temp_store = MEMORY")
        lines.execute(_WANTED)
        lines.execute("BEGIN IMMEDIATE")
        if lines.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
            for statement in _SCHEMA.split(";"):
                lines.execute(statement)
            self._note(format=FORMAT)
        elif self._fact("format") != FORMAT:
            raise StateError(f"{self._path} is a state of another version than {FORMAT}; verify anew with another file")
        for role, address, tier, period, counted, stated in lines.execute("SELECT * FROM cohort"):
            self.cohorts[CohortKey(role, address, tier, period)] = Cohort(_totals(counted), _totals(stated))
        self.closed = dict(lines.execute("SELECT period, entry FROM closing"))

    def expect(self, origin: str, keys: Collection[VerifierKey]) -> None:
        """Raises StateError where what is remembered is of another log, or of one with other keys."""
        known = self._fact("origin")
        if known is None:
            return
        if known != origin:
            raise StateError(f"{self._path} is the state of another log, {known}, and not of {origin}")
        if not set(str(self._fact("keys")).split("\n")) & set(map(str, keys)):
            raise StateError(
                f"{self._path} was verified with another key of {known}; where the log has a new key, give both, "
                "with --key twice"
            )

    def seen(self) -> tuple[Checkpoint, str] | None:
        """The checkpoint that was verified last and its signed note; None where there is none."""
        size = self._fact("size")
        if size is None:
            return None
        checkpoint = Checkpoint(str(self._fact("origin")), int(size), bytes(self._fact("root")))
        return checkpoint, str(self._fact("note"))

    def tree(self) -> GrowingTree:
        """The tree as far as it was verified."""
        edges = [split(hashes) for (hashes,) in self._lines.execute("SELECT hashes FROM edge ORDER BY level")]
        return GrowingTree(int(self._fact("size") or 0), edges)

    @property
    def newest(self) -> int | None:
        """The time of the newest entry, in microseconds since 1970."""
        newest: int | None = self._fact("newest")
        return newest

    @property
    def newest_period(self) -> str:
        """The month in which the newest query was received."""
        return str(self._fact("period") or "")

    def recall_findings(self, findings: Findings) -> None:
        """What former verifications found wrong in the entries: it does not go away."""
        kept = [
            Finding(Check(about), text, entry, message and UUID(bytes=message))
            for about, text, entry, message in self._lines.execute(
                "SELECT about, text, entry, message FROM finding ORDER BY place"
            )
        ]
        findings.recall(kept, int(self._fact("findings") or 0))

    def look_up(self, ids: Iterable[UUID]) -> None:
        """Hold what is known of these messages and their duties in memory, and nothing else of messages."""
        lines = self._lines
        self._write_back()
        lines.execute("DELETE FROM temp.wanted")
        lines.executemany("INSERT OR IGNORE INTO temp.wanted VALUES (?)", ((id.bytes,) for id in ids))
        self.messages = {
            UUID(bytes=id): Message(
                type, origin, kind, None if correlation is None else UUID(bytes=correlation), duties, bool(running),
                bool(over),
            )
            for id, type, origin, kind, correlation, duties, running, over in lines.execute(
                "SELECT message.* FROM temp.wanted JOIN message USING (id)"
            )
        }  # fmt: skip
        self.duties = {
            DutyKey(UUID(bytes=message), number): Duty(*values, *map(bool, judged))
            for message, number, *values, judged in (
                (*row[:-3], row[-3:])
                for row in lines.execute("SELECT duty.* FROM temp.wanted JOIN duty ON duty.message = wanted.id")
            )
        }

    def number(self, sender: str, number: int, message: UUID | None, entry: int) -> None:
        """A sender gave one of its messages this number."""
        self._numbered.append((sender, number, b"" if message is None else message.bytes, entry))

    def newest_of(self, period: str) -> int | None:
        """When the newest query of a month was received."""
        self._write_back()
        (newest,) = self._lines.execute("SELECT max(began_at) FROM duty WHERE period = ?", (period,)).fetchone()
        return None if newest is None else int(newest)

    def closing_lines(self, period: str, as_of: int) -> tuple[bytes, ...]:
        """The table of cohorts of a month as of a moment, counted from the duties."""
        self._write_back()
        return closings.table(self._lines, period, as_of)

    def open_duties(self) -> dict[CohortKey, int]:
        """How many duties have begun and not ended, by cohort."""
        self._write_back()
        return {CohortKey(*key): count for *key, count in self._lines.execute(_OPEN)}

    def numbering(self) -> Numbering:
        """Gaps and repeats in the senders' numbers."""
        self._write_back()
        return numbering(self._lines)

    def commit(
        self,
        checkpoint: Checkpoint,
        note: str,
        keys: Collection[VerifierKey],
        tree: GrowingTree,
        findings: Findings,
        newest: int | None,
        period: str,
    ) -> None:
        """Remember all of it, now that ``checkpoint`` is verified."""
        lines = self._lines
        self._write_back()
        self._note(
            origin=checkpoint.origin, keys="\n".join(map(str, keys)), size=checkpoint.size, root=checkpoint.root,
            note=note, newest=newest, period=period, findings=findings.count,
        )  # fmt: skip
        self._replace("edge", ((level, b"".join(hashes)) for level, hashes in enumerate(tree.edges)), 2)
        self._replace("closing", self.closed.items(), 2)
        rows = ((*key, _text(one.counted), _text(one.stated)) for key, one in self.cohorts.items())
        self._replace("cohort", rows, 6)
        kept = (
            (place, one.check, one.text, one.entry, None if one.message is None else one.message.bytes)
            for place, one in enumerate(findings)
        )
        self._replace("finding", kept, 5)
        lines.execute("COMMIT")

    def _replace(self, table: str, rows: Iterable[Sequence[object]], columns: int) -> None:
        self._lines.execute(f"DELETE FROM {table}")  # noqa: S608 - The names are this module's own.
        self._insert(table, rows, columns)

    def _insert(self, table: str, rows: Iterable[Sequence[object]], columns: int, otherwise: str = "REPLACE") -> None:
        values = ", ".join("?" * columns)
        self._lines.executemany(f"INSERT OR {otherwise} INTO {table} VALUES ({values})", rows)  # noqa: S608 - The same.

    def _write_back(self) -> None:
        """Put what is in memory back where it is kept."""
        messages = (
            (id.bytes, one.type, one.origin, one.kind, None if one.correlation_id is None else one.correlation_id.bytes,
             one.duties, one.running, one.over)
            for id, one in self.messages.items()
        )  # fmt: skip
        self._insert("message", messages, 8)
        duties = (
            (key.message.bytes, key.number, *one.cohort, one.began_at, one.ended_at, one.ended_as, one.on_time,
             one.on_time_original, one.substantive)
            for key, one in self.duties.items()
        )  # fmt: skip
        self._insert("duty", duties, 13)
        self._insert("numbered", self._numbered, 4, "IGNORE")
        self._numbered = []

    def _fact(self, name: str) -> Any:
        row = self._lines.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def _note(self, **facts: object) -> None:
        self._insert("fact", facts.items(), 2)


def _totals(text: str) -> Totals:
    return Totals(*map(int, text.split(" ")))


def _text(totals: Totals) -> str:
    return " ".join(map(str, totals.to_dict().values()))
