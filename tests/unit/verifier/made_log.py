"""A small honest ledger that writes leaves, and their files as a log serves them: something to tamper with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.addresses import tier
from contracts.checkpoints import Checkpoint
from contracts.leaf import Leaf, Totals, closing_table, encode_leaf, table_digest
from contracts.merkle import leaf_hash, root_of
from contracts.notes import Note, SigningKey
from contracts.tiles import TILE_WIDTH, EntryBundle, Tile, encode_bundle

ORIGIN = "huizhi.test/national/0"
PERIOD = "2026-11"
BEGIN = datetime(2026, 10, 21, 9, tzinfo=UTC)
CUTOFF = datetime(2026, 11, 27, 16, tzinfo=UTC)
KIND = "case.assist"


@dataclass(slots=True)
class Question:
    """A query and where it is."""

    id: UUID
    origin: str
    address: str
    duty: int = 0


@dataclass(slots=True)
class Book:
    """Appends the entries that a ledger would, a second apart."""

    leaves: list[Leaf] = field(default_factory=list)
    totals: dict[tuple[str, ...], Totals] = field(default_factory=dict)
    at: datetime = BEGIN
    ids: int = 0

    def id(self) -> UUID:
        """A new message's id."""
        self.ids += 1
        return UUID(int=self.ids)

    def append(self, event: str, message: UUID | None, **data: Any) -> Leaf:
        """One more entry."""
        self.at += timedelta(seconds=1)
        leaf = Leaf(len(self.leaves), self.at, event, message, data)
        self.leaves.append(leaf)
        return leaf

    def accept(self, type: str, origin: str, address: str, **more: Any) -> UUID:
        """A message is accepted."""
        id = self.id()
        parties = {"sender": origin, "from": origin, "address": address, "tier": tier(origin, address)}
        self.append("accepted", id, type=type, kind=KIND, **parties, **more)
        return id

    def ask(self, origin: str = "310115", address: str = "410102", **more: Any) -> Question:
        """A query is accepted and received."""
        question = Question(self.accept("query", origin, address, **more), origin, address)
        self.receive(question)
        return question

    def receive(self, question: Question, period: str = PERIOD) -> None:
        """A query is in the inbox of who is asked."""
        self.move("dispatched", question, Totals(received=1), period, recipient=question.address)

    def answer(
        self, question: Question, outcome: str = "confirmed", *, late: bool = False, period: str = PERIOD
    ) -> None:
        """A query is answered."""
        answer = self.reply("answer", question)
        substantive = outcome in {"confirmed", "not-confirmed", "partial"}
        judged = {"on_time": not late, "on_time_original": not late, "substantive": substantive}
        counts = Totals(answered=1, **{name: int(value) for name, value in judged.items()})
        self.move("answered", question, counts, period, answer=answer, outcome=outcome, **judged)

    def forward(self, question: Question, address: str) -> None:
        """A query goes on to another address, and is received there."""
        forward = self.reply("forward", question)
        self.move("forwarded", question, Totals(forwarded=1), forward=forward, by=question.address, to=address)
        question.address, question.duty = address, question.duty + 1
        self.receive(question)

    def withdraw(self, question: Question) -> None:
        """A query that was received is withdrawn."""
        withdrawal = self.reply("withdrawal", question)
        self.move("withdrawn", question, Totals(withdrawn=1), withdrawal=withdrawal)

    def reply(self, type: str, question: Question) -> str:
        """A message about a query is accepted."""
        return str(self.accept(type, question.address, question.origin, correlation_id=str(question.id)))

    def move(self, event: str, question: Question, counts: Totals, period: str = PERIOD, **more: Any) -> None:
        """An entry that moves two cohorts."""
        way = tier(question.origin, question.address)
        stated = {}
        for role, address in (("recipient", question.address), ("sender", question.origin)):
            key = (role, address, way, period)
            self.totals[key] = self.totals.get(key, Totals()) + counts
            stated[role] = self.totals[key].to_dict()
        cohort = {"from": question.origin, "address": question.address, "tier": way, "kind": KIND, "period": period}
        self.append(event, question.id, type="query", **cohort, duty=question.duty, **more, totals=stated)

    def close(self, rows: Sequence[dict[str, Any]], period: str = PERIOD, as_of: datetime = CUTOFF) -> None:
        """A month is closed with these rows of figures."""
        self.at = max(self.at, as_of)
        lines = closing_table(rows)
        table = {"sha256": table_digest(lines), "rows": len(lines)}
        self.append("closed", None, period=period, as_of=as_of.isoformat(), by="administrator", table=table)

    def change(self, place: int, **changes: Any) -> None:
        """What a forger does to one entry: ``data`` is merged."""
        leaf = self.leaves[place]
        data = {**leaf.data, **changes.pop("data", {})}
        self.leaves[place] = replace(leaf, data=data, **changes)


class Log:
    """A log's files, published with a key of its own, and served from memory."""

    def __init__(self, leaves: Sequence[Leaf] = (), key: SigningKey | None = None) -> None:
        self.key = key or SigningKey.generate(ORIGIN)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.publish(leaves)

    def publish(self, leaves: Sequence[Leaf]) -> None:
        """Sign a new checkpoint, and write all files anew."""
        self.publish_bytes([encode_leaf(leaf) for leaf in leaves])

    def publish_bytes(self, leaves: Sequence[bytes]) -> None:
        """The same of leaves that may be no leaves."""
        hashes = [leaf_hash(leaf) for leaf in leaves]
        text = Checkpoint(self.key.name, len(leaves), root_of(hashes)).text
        self.files["checkpoint"] = str(Note(text, (self.key.sign(text),))).encode()
        for at in range(0, len(leaves), TILE_WIDTH):
            part = leaves[at : at + TILE_WIDTH]
            self.files[EntryBundle(at // TILE_WIDTH, len(part)).path] = encode_bundle(part)
        level = 0
        while hashes:
            for at in range(0, len(hashes), TILE_WIDTH):
                part = hashes[at : at + TILE_WIDTH]
                self.files[Tile(level, at // TILE_WIDTH, len(part)).path] = b"".join(part)
            full = range(0, len(hashes) - TILE_WIDTH + 1, TILE_WIDTH)
            hashes, level = [root_of(hashes[at : at + TILE_WIDTH]) for at in full], level + 1

    def write(self, directory: Path) -> None:
        """The files below ``directory``, as a web server would serve them."""
        for name, content in self.files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    async def checkpoint(self) -> bytes:
        """The newest signed checkpoint."""
        return self.files["checkpoint"]

    async def file(self, name: Tile | EntryBundle) -> bytes | None:
        """A tile or an entry bundle."""
        self.asked.append(name.path)
        return self.files.get(name.path)


def read_json(text: str) -> Any:
    """What a command printed."""
    return json.loads(text)
