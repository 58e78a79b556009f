"""Decisions: random lives of messages, with retries, redeliveries and hostile answers, against a small model."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from contracts.batch import Admitted, Dispatched, Intake, Parked, Refused, Report
from contracts.period import Calendar
from contracts.problems import ProblemType
from services.ledger.decisions import ImpossibleRecordError, Setting, append_refusals, decide, wanted_ids
from services.ledger.records import CohortKey, Decision, MessageState, NewEntry
from services.ledger.transitions import State

CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))
START = datetime(2026, 11, 20, 8, tzinfo=UTC)
PLACES = ["410102", "410103", "310115", "110101"]


class Ledger:
    """A ledger in memory around the pure functions, which keeps what the sequencer would write."""

    def __init__(self) -> None:
        self.messages: dict[UUID, MessageState] = {}
        self.cohorts: dict[CohortKey, Counter[str]] = {}
        self.entries: list[NewEntry] = []
        self.refusals: set[UUID] = set()
        self.now = START

    def take(self, *batches: Intake | Report) -> Decision:
        self.now += timedelta(seconds=1)
        setting = Setting(self.now, len(self.entries), CALENDAR, lambda address: address, lambda: b"salt" * 4)
        known = {id: replace(self.messages[id]) for id in wanted_ids(batches) if id in self.messages}
        decision = decide(batches, known, setting)
        self.refusals |= {refusal.record.id for refusal in append_refusals(decision, self.refusals, setting)}
        self.entries += decision.entries
        self.messages |= decision.inserted | decision.updated
        for key, move in decision.moves.items():
            counter = self.cohorts.setdefault(key, Counter())
            for name in ("received", "answered", "on_time", "unanswered"):
                counter[name] += getattr(move, name)
        return decision


def a_query(to: str = "410102", sender: str = "310115", **changes: object) -> Admitted:
    id = uuid4()
    record = Admitted(
        id=id,
        type="query",
        sender=sender,
        submitter=sender,
        origin=sender,
        content_type="application/json",
        digest=hashlib.sha256(id.bytes).digest(),
        arrived_at=START,
        payload=b'{"subject":"x"}',
        kind="case.assist",
        written_to=to,
        address=to,
        due=date(2026, 12, 20),
    )
    return Admitted(**{**{name: getattr(record, name) for name in record.__struct_fields__}, **changes})


def an_answer(query: Admitted, sender: str | None = None, **changes: object) -> Admitted:
    given: dict[str, Any] = {
        "type": "answer",
        "kind": None,
        "written_to": None,
        "address": None,
        "due": None,
        "outcome": "confirmed",
    }
    place = sender or query.address or ""
    return a_query(sender=place, **{**given, "correlation_id": query.id, **changes})


def batch(*records: Admitted | Refused) -> Intake:
    return Intake(uuid4(), list(records))


def dispatched(*records: Admitted) -> Report:
    return Report(uuid4(), [Dispatched(record.id, record.address or "", record.address or "") for record in records])


def problems(decision: Decision) -> list[str]:
    return [record.problem for record in decision.refused.values()]


def test_a_query_is_accepted_dispatched_and_answered_and_each_is_an_entry() -> None:
    ledger, query = Ledger(), a_query()
    accepted = ledger.take(batch(query))
    assert [message.id for message in accepted.handovers[0].messages] == [query.id]
    ledger.take(dispatched(query))
    ledger.take(batch(an_answer(query)))
    assert [entry.event for entry in ledger.entries] == ["accepted", "dispatched", "accepted", "answered"]
    assert [entry.index for entry in ledger.entries] == [0, 1, 2, 3]
    assert ledger.messages[query.id].state is State.ANSWERED
    key = CohortKey("recipient", "410102", "national", "case.assist", "2026-11")
    assert ledger.cohorts[key] == {"received": 1, "answered": 1, "on_time": 1, "unanswered": 0}


def test_the_same_batch_again_hands_on_again_what_is_not_dispatched_and_counts_nothing() -> None:
    ledger, first, second = Ledger(), a_query(), a_query()
    same = batch(first, second)
    ledger.take(same)
    ledger.take(dispatched(first))
    entries = len(ledger.entries)
    again = ledger.take(same)
    assert [message.id for message in again.handovers[0].messages] == [second.id]
    assert [message.entry for message in again.handovers[0].messages] == [ledger.messages[second.id].accepted_entry]
    assert len(ledger.entries) == entries


def test_the_same_message_in_another_batch_is_a_duplicate_and_goes_no_further() -> None:
    ledger, query = Ledger(), a_query()
    ledger.take(batch(query))
    retried = ledger.take(batch(query), batch(query))
    assert all(handover.messages == [] for handover in retried.handovers)
    assert [h.receipts["310115"].duplicate for h in retried.handovers] == [[query.id], [query.id]]


def test_the_same_message_twice_in_one_batch_goes_on_once() -> None:
    ledger, query = Ledger(), a_query()
    taken = ledger.take(batch(query, query))
    assert len(taken.handovers[0].messages) == 1
    assert taken.handovers[0].receipts["310115"].duplicate == [query.id]


def test_a_redelivered_batch_with_a_parked_message_does_not_hand_it_on_beside_its_parked_copy() -> None:
    ledger, query = Ledger(), a_query()
    same = batch(query)
    ledger.take(same)
    ledger.take(Report(uuid4(), [Parked(query.id, "no-participant")]))
    assert ledger.take(same).handovers[0].messages == []


def test_an_id_with_other_content_is_refused_and_the_first_content_stays() -> None:
    ledger, query = Ledger(), a_query()
    ledger.take(batch(query))
    other = a_query(id=query.id)
    assert problems(ledger.take(batch(other))) == [ProblemType.ID_REUSED.slug]
    assert problems(ledger.take(batch(other))) == [ProblemType.ID_REUSED.slug]
    assert [entry.event for entry in ledger.entries] == ["accepted", "refused"]


def test_an_answer_that_overtakes_the_record_of_its_query_makes_both_records_in_order() -> None:
    ledger, query = Ledger(), a_query()
    ledger.take(batch(query))
    ledger.take(batch(an_answer(query)))
    late = ledger.take(dispatched(query))
    assert [entry.event for entry in ledger.entries] == ["accepted", "accepted", "dispatched", "answered"]
    assert late.entries == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda query: an_answer(query, correlation_id=uuid4()), ProblemType.UNKNOWN_QUERY),
        (lambda query: an_answer(query, sender="110101"), ProblemType.NOT_ASKED),
        (lambda query: an_answer(query, sender="310115"), ProblemType.NOT_ASKED),
    ],
)
def test_an_answer_that_nobody_asked_for_is_refused(
    answer: Callable[[Admitted], Admitted], problem: ProblemType
) -> None:
    ledger, query = Ledger(), a_query()
    ledger.take(batch(query))
    ledger.take(dispatched(query))
    assert problems(ledger.take(batch(answer(query)))) == [problem.slug]
    assert ledger.messages[query.id].state is State.DISPATCHED


def test_a_second_answer_is_refused_because_the_query_is_closed() -> None:
    ledger, query = Ledger(), a_query()
    ledger.take(batch(query))
    ledger.take(dispatched(query))
    first, second = an_answer(query), an_answer(query)
    assert problems(ledger.take(batch(first, second))) == [ProblemType.QUERY_CLOSED.slug]
    assert ledger.messages[query.id].answer_id == first.id


def test_an_answer_to_a_notice_or_to_an_answer_is_refused() -> None:
    ledger, notice = Ledger(), a_query(type="notice", due=None)
    ledger.take(batch(notice))
    assert problems(ledger.take(batch(an_answer(notice)))) == [ProblemType.UNKNOWN_QUERY.slug]
    assert ledger.cohorts == {}


def test_an_answer_is_on_time_until_the_end_of_its_due_day() -> None:
    due = date(2026, 12, 20)
    for arrived, on_time in (
        (datetime(2026, 12, 20, 15, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 12, 20, 16, tzinfo=UTC), False),
    ):
        ledger, query = Ledger(), a_query(due=due)
        ledger.take(batch(query))
        ledger.take(dispatched(query))
        ledger.take(batch(an_answer(query, arrived_at=arrived)))
        assert ledger.messages[query.id].on_time is on_time


def test_a_report_on_a_message_that_was_never_accepted_is_an_error() -> None:
    with pytest.raises(ImpossibleRecordError):
        Ledger().take(dispatched(a_query()))


def test_a_message_that_moved_while_it_waited_counts_where_it_arrived() -> None:
    ledger, query = Ledger(), a_query()
    ledger.take(batch(query))
    ledger.take(Report(uuid4(), [Parked(query.id, "retired-without-successor")]))
    ledger.take(Report(uuid4(), [Dispatched(query.id, "310116", "31")]))
    assert ledger.messages[query.id].tier == "provincial"
    assert CohortKey("recipient", "310116", "provincial", "case.assist", "2026-11") in ledger.cohorts


class RandomLives(RuleBasedStateMachine):
    """Batches in any order, redelivered at any time; the model says only what must be so in the end."""

    @initialize()
    def begin(self) -> None:
        self.ledger = Ledger()
        self.queries: list[Admitted] = []
        self.batches: list[Intake | Report] = []
        self.answered: set[UUID] = set()
        self.received: set[UUID] = set()

    def take(self, *batches: Intake | Report) -> Decision:
        self.batches += batches
        return self.ledger.take(*batches)

    @rule(places=st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)), min_size=1, max_size=4))
    def send(self, places: list[tuple[str, str]]) -> None:
        new = [a_query(to, sender) for to, sender in places]
        self.queries += new
        self.take(batch(*new))

    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        if self.queries:
            self.take(batch(data.draw(st.sampled_from(self.queries))))

    @rule(data=st.data())
    def redeliver(self, data: st.DataObject) -> None:
        if self.batches:
            self.ledger.take(data.draw(st.sampled_from(self.batches)))

    @rule(data=st.data())
    def dispatch(self, data: st.DataObject) -> None:
        if self.queries:
            query = data.draw(st.sampled_from(self.queries))
            self.take(dispatched(query))
            self.received.add(query.id)

    @rule(data=st.data())
    def park(self, data: st.DataObject) -> None:
        if self.queries:
            query = data.draw(st.sampled_from(self.queries))
            self.take(Report(uuid4(), [Parked(query.id, data.draw(st.sampled_from(["inbox-full", "inbox-gone"])))]))

    @rule(data=st.data(), honest=st.booleans())
    def answer(self, data: st.DataObject, honest: bool) -> None:
        if self.queries:
            query = data.draw(st.sampled_from(self.queries))
            sender = query.address if honest else data.draw(st.sampled_from(PLACES))
            self.take(batch(an_answer(query, sender=sender)))
            if sender == query.address:
                self.answered.add(query.id)
                self.received.add(query.id)

    @invariant()
    def everything_is_counted_once(self) -> None:
        for role in ("recipient", "sender"):
            total = sum((c for key, c in self.ledger.cohorts.items() if key.role == role), Counter())
            assert total["received"] == len(self.received)
            assert total["answered"] == len(self.answered)
            assert total["unanswered"] == len(self.received - self.answered)

    @invariant()
    def every_cohort_conserves(self) -> None:
        for counter in self.ledger.cohorts.values():
            assert counter["received"] == counter["answered"] + counter["unanswered"]
            assert min(counter.values()) >= 0

    @invariant()
    def the_log_has_no_gap_and_time_does_not_run_backwards(self) -> None:
        assert [entry.index for entry in self.ledger.entries] == list(range(len(self.ledger.entries)))
        assert all(a.at <= b.at for a, b in itertools.pairwise(self.ledger.entries))

    @invariant()
    def the_entries_say_the_state(self) -> None:
        events: Counter[tuple[UUID | None, str]] = Counter(
            (entry.message_id, entry.event) for entry in self.ledger.entries
        )
        for query in self.queries:
            state = self.ledger.messages[query.id].state
            assert events[query.id, "accepted"] == 1
            assert events[query.id, "dispatched"] == (query.id in self.received)
            assert events[query.id, "answered"] == (query.id in self.answered) == (state is State.ANSWERED)


TestRandomLives = RandomLives.TestCase
TestRandomLives.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
