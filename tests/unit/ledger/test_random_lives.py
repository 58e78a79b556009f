"""Random lives on a ledger in memory: many in little time, held against the model after every step."""

import itertools
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis.stateful import invariant

from contracts.batch import LedgerBatch
from contracts.leaf import Leaf, decode_leaf, encode_leaf
from services.ledger.records import Decision
from services.ledger.transitions import OPEN, TRANSITIONS, Event, State
from tests.unit.contracts.leaf_samples import MEMBERS
from tests.unit.ledger.lives import Ledger
from tests.unit.ledger.random_lives import ASKED, RandomLives


class LivesInMemory(RandomLives):
    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.ledger.answers_for = ASKED
        self.read = 0

    def decide(self, *batches: LedgerBatch) -> Decision:
        return self.ledger.take(*batches, at=self.at)

    def to_be_reminded(self) -> list[UUID]:
        waiting = self.ledger.messages.values()
        return [one.id for one in waiting if one.remind_at is not None and one.remind_at <= self.at]

    @invariant()
    def queries_stand_where_they_should(self) -> None:
        for id, life in self.model.lives.items():
            query = self.ledger.messages[id]
            stands = (query.state, query.address, query.due, query.duty, query.forwards, query.proposed_due)
            assert stands == (life.state, life.address, life.due, life.number, life.forwards, life.proposed)
            assert (query.acknowledged_at is not None) is life.acknowledged

    @invariant()
    def everything_is_counted_once(self) -> None:
        counted = {
            (key.role, key.address, key.tier, key.kind, key.period): +counter
            for key, counter in self.ledger.cohorts.items()
        }
        assert counted == self.model.figures()

    @invariant()
    def every_cohort_conserves(self) -> None:
        for counter in self.ledger.cohorts.values():
            ended = counter["answered"] + counter["withdrawn"] + counter["forwarded"]
            assert counter["received"] == ended + counter["unanswered"]
            assert min(counter.values()) >= 0

    @invariant()
    def every_entry_says_what_its_leaf_is_said_to_hold(self) -> None:
        for entry in self.ledger.entries[self.read :]:
            assert set(entry.data) <= set(MEMBERS[entry.event])
            leaf = Leaf(entry.index, entry.at, entry.event, entry.message_id, entry.data)
            assert decode_leaf(encode_leaf(leaf)).data == entry.data
        self.read = len(self.ledger.entries)

    @invariant()
    def the_log_has_no_gap_and_says_every_state(self) -> None:
        entries = self.ledger.entries
        assert [entry.index for entry in entries] == list(range(len(entries)))
        assert all(a.at <= b.at for a, b in itertools.pairwise(entries))
        states: dict[UUID | None, State] = {}
        for entry in entries:
            if entry.event not in (Event.REFUSED, Event.CLOSED):
                states[entry.message_id] = TRANSITIONS[states.get(entry.message_id), entry.event]
        assert states == {id: message.state for id, message in self.ledger.messages.items()}

    @invariant()
    def every_leaf_states_where_its_cohorts_stand_as_the_leaves_themselves_say(self) -> None:
        running: dict[tuple[str, ...], Counter[str]] = {}
        for entry in self.ledger.sealed:
            data = json.loads(entry.data)
            moved = moves(entry.event, data)
            assert ("totals" in data) is bool(moved)
            for role, address in (("recipient", "address"), ("sender", "from")) if moved else ():
                stands = running.setdefault((role, data[address], data["tier"], data["period"]), Counter())
                stands.update(moved)
                assert +Counter(data["totals"][role]) == stands
                assert len(data["totals"][role]) == 7

    @invariant()
    def only_who_owes_an_answer_is_going_to_be_reminded(self) -> None:
        waiting = {message.state for message in self.ledger.messages.values() if message.remind_at is not None}
        assert waiting <= OPEN

    @invariant()
    def months_are_closed_once(self) -> None:
        closed = Counter(closing.period for closing in self.ledger.closings)
        assert closed == dict.fromkeys(self.model.closed, 1)


def moves(event: str, data: Mapping[str, Any]) -> list[str]:
    """Which totals an entry moves, by what its leaf says (docs/proof-log.md)."""
    if event == "dispatched":
        return ["received"] if data["type"] == "query" else []
    if event == "answered":
        return ["answered", *(name for name in ("on_time", "on_time_original", "substantive") if data[name])]
    if event in ("forwarded", "passed-on"):
        return ["forwarded"]
    return ["withdrawn"] if event == "withdrawn" and "address" in data else []


TestLivesInMemory = LivesInMemory.TestCase
TestLivesInMemory.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
