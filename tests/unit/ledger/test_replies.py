"""What may be said about a query, by whom and when, and what comes of it."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from contracts.batch import Admitted, Parked, Report
from contracts.problems import ProblemType
from services.ledger.transitions import State
from tests.unit.ledger.lives import Ledger, batch, dispatched, forward, problems, query, received, reply

LATER = date(2027, 1, 10)
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def test_an_acknowledgement_goes_to_the_asker_once_and_leaves_the_query_unanswered() -> None:
    ledger = Ledger()
    asked = received(ledger)
    taken = ledger.take(batch(reply("acknowledgement", asked)))
    assert [(message.type, message.address) for message in taken.handovers[0].messages] == [
        ("acknowledgement", "310115")
    ]
    assert ledger.messages[asked.id].state is State.ACKNOWLEDGED
    assert ledger.figures("410102") == {"received": 1, "unanswered": 1}
    assert problems(ledger.take(batch(reply("acknowledgement", asked)))) == [ProblemType.ALREADY_ACKNOWLEDGED.slug]


def test_an_acknowledgement_that_overtakes_the_record_of_its_query_makes_both_records_in_order() -> None:
    ledger, asked = Ledger(), query()
    ledger.take(batch(asked))
    ledger.take(batch(reply("acknowledgement", asked)))
    assert ledger.events(asked.id) == ["accepted", "dispatched", "acknowledged"]


def test_an_extension_counts_against_the_agreed_date_and_against_the_original_one() -> None:
    ledger = Ledger()
    asked = received(ledger)
    ledger.take(batch(reply("extension", asked, due=LATER, reason="needs-investigation")))
    assert ledger.messages[asked.id].due == asked.due
    ledger.take(batch(reply("extension", asked, sender="310115", outcome="accepted")))
    query = ledger.messages[asked.id]
    assert (query.due, query.original_due, query.proposed_due) == (LATER, asked.due, None)
    late = datetime(2027, 1, 5, tzinfo=UTC)
    ledger.take(batch(reply("answer", asked, outcome="confirmed", arrived_at=late)))
    assert ledger.figures("410102") == {"received": 1, "answered": 1, "on_time": 1, "substantive": 1}


@pytest.mark.parametrize("said", [None, "refused"], ids=["nothing is said", "it is refused"])
def test_an_extension_that_is_not_accepted_changes_no_date(said: str | None) -> None:
    ledger = Ledger()
    asked = received(ledger)
    ledger.take(batch(reply("extension", asked, due=LATER, reason="other")))
    if said:
        ledger.take(batch(reply("extension", asked, sender="310115", outcome=said)))
    late = datetime(2027, 1, 5, tzinfo=UTC)
    ledger.take(batch(reply("answer", asked, outcome="confirmed", arrived_at=late)))
    assert ledger.figures("410102") == {"received": 1, "answered": 1, "substantive": 1}


def test_a_forward_moves_the_duty_and_each_cohort_counts_its_own_part() -> None:
    ledger = Ledger()
    asked = received(ledger)
    taken = ledger.take(batch(forward(asked, "410103")))
    to_asker, to_next = taken.handovers[0].messages
    assert (to_asker.type, to_asker.address) == ("forward", "310115")
    assert (to_next.type, to_next.id, to_next.address, to_next.duty) == ("query", asked.id, "410103", 1)
    assert ledger.messages[asked.id].state is State.FORWARDED
    assert ledger.figures("410102") == {"received": 1, "forwarded": 1}

    ledger.take(dispatched(asked, "410103", duty=1))
    assert ledger.figures("410103") == {"received": 1, "unanswered": 1}
    ledger.take(batch(reply("answer", asked, sender="410103", outcome="confirmed")))
    assert ledger.figures("410103") == {
        "received": 1,
        "answered": 1,
        "on_time": 1,
        "on_time_original": 1,
        "substantive": 1,
    }
    assert ledger.figures("310115", "sender")["received"] == 2
    assert [(past.address, past.number) for past in ledger.past] == [("410102", 0)]


def test_a_late_report_about_the_forwarder_does_not_pass_for_the_next_ones() -> None:
    ledger = Ledger()
    asked = received(ledger)
    ledger.take(batch(forward(asked, "410103")))
    assert ledger.take(dispatched(asked)).entries == []
    assert ledger.take(Report(uuid4(), [Parked(asked.id, "inbox-full")])).entries == []
    assert ledger.messages[asked.id].state is State.FORWARDED


def test_a_forward_redelivered_in_its_batch_hands_the_query_over_again_until_it_is_dispatched() -> None:
    ledger = Ledger()
    asked = received(ledger)
    same = batch(forward(asked, "410103"))
    ledger.take(same)
    again = ledger.take(same)
    assert [(message.type, message.address) for message in again.handovers[0].messages] == [
        ("forward", "310115"),
        ("query", "410103"),
    ]
    assert again.entries == []
    ledger.take(dispatched(asked, "410103", duty=1))
    assert [message.type for message in ledger.take(same).handovers[0].messages] == ["forward"]


def test_who_forwarded_a_query_has_nothing_more_to_say_about_it() -> None:
    ledger = Ledger()
    asked = received(ledger)
    ledger.take(batch(forward(asked, "410103")))
    refused = ledger.take(batch(reply("answer", asked, outcome="confirmed")))
    assert problems(refused) == [ProblemType.NOT_ASKED.slug]


@pytest.mark.parametrize("to", ["410102", "310115"], ids=["to oneself", "to the asker"])
def test_a_forward_in_a_circle_is_refused(to: str) -> None:
    ledger = Ledger()
    asked = received(ledger)
    assert problems(ledger.take(batch(forward(asked, to)))) == [ProblemType.FORWARD_LOOP.slug]


def test_a_forward_back_to_who_had_it_is_refused_and_so_is_a_fourth_one() -> None:
    ledger = Ledger()
    asked = received(ledger)
    holder = "410102"
    for duty, place in enumerate(("410103", "410104", "410105"), start=1):
        ledger.take(batch(forward(asked, place, holder)))
        ledger.take(dispatched(asked, place, duty))
        holder = place
        if duty == 1:
            assert problems(ledger.take(batch(forward(asked, "410102", holder)))) == [ProblemType.FORWARD_LOOP.slug]
    assert problems(ledger.take(batch(forward(asked, "410106", holder)))) == [ProblemType.TOO_MANY_FORWARDS.slug]


def test_a_withdrawal_closes_the_query_and_an_answer_after_it_is_refused() -> None:
    ledger = Ledger()
    asked = received(ledger)
    taken = ledger.take(batch(reply("withdrawal", asked, sender="310115", reason="sent-by-mistake")))
    assert [(message.type, message.address) for message in taken.handovers[0].messages] == [("withdrawal", "410102")]
    assert ledger.figures("410102") == {"received": 1, "withdrawn": 1}
    late = ledger.take(batch(reply("answer", asked, outcome="confirmed")))
    assert problems(late) == [ProblemType.QUERY_CLOSED.slug]


def test_a_query_withdrawn_before_anyone_received_it_is_in_nobodys_figures() -> None:
    ledger, asked = Ledger(), query()
    ledger.take(batch(asked))
    ledger.take(batch(reply("withdrawal", asked, sender="310115")))
    assert ledger.take(dispatched(asked)).entries == []
    assert ledger.cohorts == {}
    assert ledger.messages[asked.id].state is State.WITHDRAWN


def test_a_partial_answer_keeps_the_query_open_once_and_a_second_one_closes_it() -> None:
    ledger = Ledger()
    asked = received(ledger)
    ledger.take(batch(reply("answer", asked, outcome="partial", reason="more-follows")))
    assert ledger.messages[asked.id].state is State.PARTLY_ANSWERED
    assert ledger.figures("410102") == {"received": 1, "unanswered": 1}
    ledger.take(batch(reply("answer", asked, outcome="partial", reason="more-follows: in spring")))
    query = ledger.messages[asked.id]
    assert (query.state, query.outcome, query.reason_code) == (State.ANSWERED, "partial", "more-follows")
    assert ledger.figures("410102")["answered"] == 1


@pytest.mark.parametrize(
    ("outcome", "substantive"),
    [("confirmed", 1), ("not-confirmed", 1), ("not-found", 0), ("refused", 0)],
)
def test_empty_answers_are_answers_but_not_substantive_ones(outcome: str, substantive: int) -> None:
    ledger = Ledger()
    asked = received(ledger)
    ledger.take(batch(reply("answer", asked, outcome=outcome, reason="no-record")))
    figures = ledger.figures("410102")
    assert (figures["answered"], figures.get("substantive", 0)) == (1, substantive)


def test_an_answer_is_rated_once_by_its_asker() -> None:
    ledger = Ledger()
    asked = received(ledger)
    early = reply("rating", asked, sender="310115", timely=True, useful=False)
    assert problems(ledger.take(batch(early))) == [ProblemType.NOT_ANSWERED.slug]
    ledger.take(batch(reply("answer", asked, outcome="confirmed")))
    ledger.take(batch(reply("rating", asked, sender="310115", timely=True, useful=False)))
    query = ledger.messages[asked.id]
    assert (query.timely, query.useful, query.state) == (True, False, State.ANSWERED)
    again = reply("rating", asked, sender="310115", timely=True, useful=True)
    assert problems(ledger.take(batch(again))) == [ProblemType.ALREADY_RATED.slug]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (lambda asked: reply("withdrawal", asked), ProblemType.NOT_ASKER),
        (lambda asked: reply("rating", asked, timely=True, useful=True), ProblemType.NOT_ASKER),
        (lambda asked: reply("extension", asked, outcome="accepted"), ProblemType.NOT_ASKER),
        (lambda asked: reply("acknowledgement", asked, sender="110101"), ProblemType.NOT_ASKED),
        (lambda asked: reply("forward", asked, sender="310115", address="410103"), ProblemType.NOT_ASKED),
        (lambda asked: reply("extension", asked, sender="310115", due=LATER), ProblemType.NOT_ASKED),
        (lambda asked: reply("extension", asked, due=date(2026, 12, 20)), ProblemType.DUE_NOT_LATER),
        (
            lambda asked: reply("extension", asked, due=date(2026, 12, 24), arrived_at=NEW_YEAR),
            ProblemType.DUE_IN_THE_PAST,
        ),
        (lambda asked: reply("extension", asked, sender="310115", outcome="accepted"), ProblemType.NO_EXTENSION_ASKED),
        (lambda asked: reply("withdrawal", query(), sender="310115"), ProblemType.UNKNOWN_QUERY),
    ],
)
def test_what_the_wrong_party_says_or_says_at_the_wrong_time_is_refused(said: object, problem: ProblemType) -> None:
    ledger = Ledger()
    asked = received(ledger)
    make = said
    assert callable(make)
    record = make(asked)
    assert isinstance(record, Admitted)
    before = ledger.messages[asked.id].state
    assert problems(ledger.take(batch(record))) == [problem.slug]
    assert ledger.messages[asked.id].state is before
