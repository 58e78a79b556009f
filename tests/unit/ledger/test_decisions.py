"""Decisions: random lives of messages, with retries, redeliveries and hostile answers, against a small model."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from contracts.batch import Admitted, Dispatched, Parked, Report
from contracts.problems import ProblemType
from services.ledger.draft import ImpossibleRecordError
from services.ledger.records import CohortKey
from services.ledger.transitions import State
from tests.unit.ledger.lives import Ledger, admitted, batch, dispatched, problems, reply
from tests.unit.ledger.lives import query as a_query

PLACES = ["410102", "410103", "310115", "110101"]


def an_answer(query: Admitted, sender: str | None = None, **changes: Any) -> Admitted:
    return reply("answer", query, sender, **{"outcome": "confirmed", **changes})


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
    counted = ("received", "answered", "on_time", "on_time_original", "substantive")
    assert +ledger.cohorts[key] == dict.fromkeys(counted, 1)


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
    ledger, notice = (
        Ledger(),
        admitted("notice", "310115", kind="service.notice", written_to="410102", address="410102"),
    )
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
