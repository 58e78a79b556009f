"""Messages about a query, as a gateway admits them, and a ledger in memory that takes them."""

import hashlib
from collections import Counter
from dataclasses import asdict, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from contracts.batch import Admitted, Dispatched, Intake, LedgerBatch, Orders, Refused, Report
from contracts.kinds import Kind, built_in_kinds
from contracts.leaf import Totals
from contracts.period import Calendar
from services.ledger.decisions import append_refusals, decide, wanted_ids
from services.ledger.records import CohortKey, Decision, MessageState, Move, NewClosing, NewEntry, PastDuty, SealedEntry
from services.ledger.setting import Setting
from services.ledger.totals import RunningTotals, TotalsKey, totals_key
from services.ledger.tree import seal

CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))
START = datetime(2026, 11, 20, 8, tzinfo=UTC)
DUE = date(2026, 12, 20)
COUNTERS = tuple(field.name for field in fields(Move))
KINDS: dict[str, Kind] = {kind.name: kind for kind in built_in_kinds()}


class Ledger:
    """A ledger in memory around the pure functions, which keeps what the sequencer would write.

    Each participant is asked for its own address, but for those in ``nobody`` and what ``answers_for`` names.
    """

    def __init__(self) -> None:
        self.messages: dict[UUID, MessageState] = {}
        self.past: list[PastDuty] = []
        self.cohorts: dict[CohortKey, Counter[str]] = {}
        self.entries: list[NewEntry] = []
        self.sealed: list[SealedEntry] = []
        self.closings: list[NewClosing] = []
        self.refusals: set[UUID] = set()
        self.nobody: set[str] = set()
        self.answers_for: dict[str, str] = {}
        self.now = START

    def take(self, *batches: LedgerBatch, at: datetime | None = None) -> Decision:
        """Take batches in one transaction, at some moment or a second after the one before."""
        self.now = at or self.now + timedelta(seconds=1)
        setting = self.setting()
        known = {id: replace(self.messages[id]) for id in wanted_ids(batches) if id in self.messages}
        decision = decide(batches, known, setting)
        self.refusals |= {refusal.record.id for refusal in append_refusals(decision, self.refusals, setting)}
        self.entries += decision.entries
        tables: dict[int, tuple[bytes, ...]] = {closing.entry: () for closing in decision.closings}
        totals = RunningTotals()
        totals.know(totals.unknown(decision.moves), self._totals())
        self.sealed += seal(decision.entries, totals, tables)
        self.messages |= decision.inserted | decision.updated
        self.past += decision.past_duties
        self.closings += decision.closings
        for key, moved in decision.moves.items():
            self.cohorts.setdefault(key, Counter()).update(asdict(moved.by))
        return decision

    def setting(self) -> Setting:
        """In which circumstances it decides now."""
        return Setting(
            self.now,
            len(self.entries),
            CALENDAR,
            lambda address: None if address in self.nobody else self.answers_for.get(address, address),
            lambda: b"salt" * 4,
            KINDS.get,
            {closing.period for closing in self.closings},
        )

    def events(self, id: UUID) -> list[str]:
        """What happened to a message, in order."""
        return [entry.event for entry in self.entries if entry.message_id == id]

    def _totals(self) -> dict[TotalsKey, Totals]:
        totals: dict[TotalsKey, Totals] = {}
        for cohort, counter in self.cohorts.items():
            key = totals_key(cohort)
            own = {name: count for name, count in counter.items() if name != "unanswered"}
            totals[key] = totals.get(key, Totals()) + Totals(**own)
        return totals

    def figures(self, address: str, role: str = "recipient") -> dict[str, int]:
        """The counters of an address, over all its cohorts, without those that are 0."""
        own = (counter for key, counter in self.cohorts.items() if (key.role, key.address) == (role, address))
        return {name: count for name, count in sum(own, Counter()).items() if count}


def admitted(type: str, sender: str, **changes: Any) -> Admitted:
    """A message of ``type`` from ``sender``."""
    id = uuid4()
    given = {
        "id": id,
        "type": type,
        "sender": sender,
        "submitter": sender,
        "origin": sender,
        "content_type": "application/json",
        "digest": hashlib.sha256(id.bytes).digest(),
        "arrived_at": START,
        "payload": b"{}",
    }
    return Admitted(**{**given, **changes})


def query(to: str = "410102", sender: str = "310115", **changes: Any) -> Admitted:
    """A query to ``to``."""
    given = {"kind": "case.assist", "written_to": to, "address": to, "due": DUE}
    return admitted("query", sender, **{**given, **changes})


def reply(type: str, to: Admitted, sender: str | None = None, **changes: Any) -> Admitted:
    """What ``sender``, by default whom the query is addressed to, says about a query."""
    return admitted(type, sender or to.address or "", **{"correlation_id": to.id, **changes})


def forward(of: Admitted, to: str, sender: str | None = None) -> Admitted:
    """A forward of a query to ``to``."""
    return reply("forward", of, sender, written_to=to, address=to, reason="not-in-charge")


def batch(*records: Admitted | Refused) -> Intake:
    """A gateway's batch."""
    return Intake(uuid4(), list(records))


def orders(*records: Any) -> Orders:
    """A batch of orders."""
    return Orders(uuid4(), list(records))


def dispatched(record: Admitted, address: str | None = None, duty: int = 0, *, recipient: str | None = None) -> Report:
    """A router's report that a message is in an inbox."""
    place = address or record.address or ""
    return Report(uuid4(), [Dispatched(record.id, place, recipient or place, duty)])


def received(ledger: Ledger, **changes: Any) -> Admitted:
    """A query that ``ledger`` has, and its recipient too."""
    asked = query(**changes)
    ledger.take(batch(asked))
    ledger.take(dispatched(asked))
    return asked


def problems(decision: Decision) -> list[str]:
    """Why what was refused was refused."""
    return [record.problem for record in decision.refused.values()]
