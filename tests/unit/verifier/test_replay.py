"""Every rule that the entries are held to: an honest log passes, and each way to lie about a figure is named."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from contracts.rates import Figures
from services.verifier.findings import Check
from services.verifier.result import Result
from tests.unit.verifier.conftest import Verify
from tests.unit.verifier.made_log import CUTOFF, PERIOD, Book, Log, Question

Forge = Callable[[Book], object]


def found(result: Result) -> set[tuple[Check, int | None]]:
    """What is wrong, and where."""
    return {(finding.check, finding.entry) for finding in result.findings}


def first(book: Book, event: str, **data: Any) -> int:
    """The index of the first entry of an event that says so."""
    return next(
        leaf.index
        for leaf in book.leaves
        if leaf.event == event and all(leaf.data.get(name) == value for name, value in data.items())
    )


def test_an_honest_log_holds_and_its_rates_are_those_of_its_entries(book: Book, verified: Verify) -> None:
    result = verified(Log(book.leaves))
    assert result.holds
    assert not result.findings
    national, provincial = result.figures()["national"], result.figures()["provincial"]
    assert national == Figures(
        received=66,
        answered=42,
        on_time=36,
        unanswered=12,
        withdrawn=6,
        forwarded=6,
        on_time_original=36,
        substantive=36,
    )
    assert provincial == Figures(received=6, unanswered=6)
    assert national.holds
    assert result.figures("sender")["national"] == national
    assert result.figures(jurisdiction="410105")["national"].fraction == "6/6"
    assert result.figures(jurisdiction="41", period=PERIOD)["national"] == national
    assert result.figures(period="2026-12")["national"] == Figures()


def test_the_demonstration_is_713_of_714(verified: Verify) -> None:
    book = Book()
    questions = [book.ask("310115") for _ in range(714)] + [book.ask("410103") for _ in range(714)]
    for question in questions:
        if question not in (questions[416], questions[1130]):
            book.answer(question)
    figures = verified(Log(book.leaves)).figures(jurisdiction="410102")
    assert {tier: (one.fraction, one.rate) for tier, one in figures.items()} == {
        "national": ("713/714", "99.86"),
        "provincial": ("713/714", "99.86"),
    }


@pytest.mark.parametrize(
    "name", ["received", "answered", "on_time", "on_time_original", "substantive", "withdrawn", "forwarded"]
)
@pytest.mark.parametrize("role", ["recipient", "sender"])
def test_a_total_that_is_one_too_high_is_named_at_its_entry(book: Book, verified: Verify, role: str, name: str) -> None:
    index = first(book, "answered")
    stated = book.leaves[index].data["totals"]
    raised = {**stated[role], name: stated[role][name] + 1}
    book.change(index, data={"totals": {**stated, role: raised}})
    result = verified(Log(book.leaves))
    assert (Check.TOTALS, index) in found(result)
    assert any(f"{name} {raised[name]} instead of {stated[role][name]}" in str(finding) for finding in result.findings)


def test_a_miscount_that_is_carried_on_is_named_once_and_breaks_conservation(book: Book, verified: Verify) -> None:
    """Whoever raises a total and all that follow lies in one place only, and conservation no longer holds."""
    begin = first(book, "answered")
    key = {name: book.leaves[begin].data[name] for name in ("address", "tier", "period")}
    for leaf in list(book.leaves[begin:]):
        stated = leaf.data.get("totals")
        if stated and {name: leaf.data[name] for name in key} == key:
            more = {**stated["recipient"], "answered": stated["recipient"]["answered"] + 1}
            book.change(leaf.index, data={"totals": {**stated, "recipient": more}})
    result = verified(Log(book.leaves))
    assert found(result) == {(Check.TOTALS, begin), (Check.CONSERVATION, None)}


def forged_again(event: str) -> Forge:
    """The entry comes a second time, with the totals that follow."""

    def forge(book: Book) -> None:
        leaf = book.leaves[first(book, event, type="query") if event != "accepted" else 0]
        book.append(leaf.event, leaf.message_id, **leaf.data)

    return forge


CHANGES: list[tuple[str, Forge, set[Check]]] = [
    ("accepted twice", forged_again("accepted"), {Check.MESSAGE}),
    ("received twice", forged_again("dispatched"), {Check.DUTY, Check.TOTALS}),
    ("answered twice", forged_again("answered"), {Check.DUTY, Check.TOTALS}),
    ("forwarded twice", forged_again("forwarded"), {Check.DUTY, Check.TOTALS}),
    ("withdrawn twice", forged_again("withdrawn"), {Check.DUTY, Check.TOTALS}),
    ("an answer of nobody", lambda b: b.change(first(b, "answered"), data={"answer": str(b.id())}), {Check.MESSAGE}),
    ("no answer", lambda b: b.change(first(b, "answered"), data={"answer": None}), {Check.LEAF, Check.CONSERVATION}),
    ("another outcome", lambda b: b.change(first(b, "answered"), data={"outcome": "refused"}), {Check.DUTY}),
    ("another tier", lambda b: b.change(first(b, "dispatched"), data={"tier": "provincial"}), {Check.DUTY}),
    ("another address", lambda b: b.change(first(b, "answered"), data={"address": "410109"}), {Check.DUTY}),
    ("another sender", lambda b: b.change(first(b, "answered"), data={"from": "310118"}), {Check.MESSAGE}),
    ("a number of a duty", lambda b: b.change(first(b, "dispatched"), data={"duty": 1}), {Check.DUTY}),
    ("an earlier time", lambda b: b.change(9, at=b.leaves[8].at - timedelta(microseconds=1)), {Check.TIME}),
    ("another index", lambda b: b.change(9, index=8), {Check.LEAF}),
    ("totals of nothing", lambda b: b.change(0, data={"totals": {}}), {Check.TOTALS}),
    ("no totals", lambda b: b.change(first(b, "dispatched"), data={"totals": None}), {Check.LEAF, Check.TOTALS}),
    ("totals that are none", lambda b: b.change(1, data={"totals": {"recipient": 1, "sender": 1}}), {Check.LEAF}),
    ("totals of an unknown event", lambda b: b.append("forgiven", b.leaves[0].message_id, totals={}), {Check.TOTALS}),
    ("a reminder of nobody", lambda b: b.append("reminded", b.id()), {Check.MESSAGE}),
    ("of no message", lambda b: b.append("reminded", None), {Check.LEAF}),
    ("a sequence of zero", lambda b: b.accept("notice", "310115", "410102", sequence=0), {Check.LEAF}),
    ("a flag that is none", lambda b: b.change(first(b, "answered"), data={"on_time": 1}), {Check.LEAF}),
    ("an address that is none", lambda b: b.change(first(b, "dispatched"), data={"address": "x"}), {Check.LEAF}),
]  # fmt: skip


@pytest.mark.parametrize(("forge", "checks"), [pytest.param(*rest, id=name) for name, *rest in CHANGES])
def test_what_cannot_follow_from_the_entries_before_is_named(
    book: Book, verified: Verify, forge: Forge, checks: set[Check]
) -> None:
    forge(book)
    result = verified(Log(book.leaves))
    assert not result.holds
    assert checks <= {finding.check for finding in result.findings}
    assert all(finding.entry is not None for finding in result.findings if finding.check is not Check.CONSERVATION)


def test_an_event_that_came_later_is_passed_over(book: Book, verified: Verify) -> None:
    book.append("forgiven", book.leaves[0].message_id, by="nobody")
    assert verified(Log(book.leaves)).holds


def test_a_deleted_acceptance_is_found_by_what_follows(book: Book, verified: Verify) -> None:
    """Whoever leaves an entry out and numbers the rest anew has to leave out everything that follows from it."""
    del book.leaves[0]
    for place in range(len(book.leaves)):
        book.change(place, index=place)
    result = verified(Log(book.leaves))
    assert (Check.MESSAGE, 0) in found(result)
    assert next(iter(result.findings)).message == book.leaves[0].message_id


def test_a_query_withdrawn_before_anybody_received_it_moves_nothing(verified: Verify) -> None:
    book = Book()
    id = book.accept("query", "310115", "410102")
    withdrawal = book.accept("withdrawal", "310115", "410102", correlation_id=str(id))
    book.append("withdrawn", id, withdrawal=str(withdrawal))
    assert verified(Log(book.leaves)).holds
    book.append("withdrawn", id, withdrawal=str(withdrawal))
    assert (Check.DUTY, 3) in found(verified(Log(book.leaves)))


def test_a_query_that_somebody_has_cannot_be_withdrawn_without_its_cohort(verified: Verify) -> None:
    book = Book()
    question = book.ask()
    withdrawal = book.reply("withdrawal", question)
    book.append("withdrawn", question.id, withdrawal=withdrawal)
    assert (Check.DUTY, 3) in found(verified(Log(book.leaves)))


def test_a_query_received_in_an_earlier_month_than_the_one_before_is_named(verified: Verify) -> None:
    book = Book()
    for period in ("2026-12", "2026-11"):
        book.receive(Question(book.accept("query", "310115", "410102"), "310115", "410102"), period)
    assert found(verified(Log(book.leaves))) == {(Check.TIME, 3)}


def rows(**changes: int) -> list[dict[str, Any]]:
    """The closing's rows of two queries, of which one was answered before the cut-off."""
    counts = {"received": 2, "answered": 1, "on_time": 1, "on_time_original": 1, "substantive": 1, "unanswered": 1}
    counts |= {"withdrawn": 0, "forwarded": 0} | changes
    cohort = {"tier": "national", "kind": "case.assist", "period": PERIOD}
    return [{"role": role, "address": address, **cohort, **counts} for role, address in PARTIES]


PARTIES = (("recipient", "410102"), ("sender", "310115"))


def a_month(**changes: int) -> Book:
    """Two queries, one answered in time and one just at the cut-off, which is too late, and the month is closed."""
    book = Book()
    answered, late = book.ask(), book.ask()
    book.answer(answered)
    book.at = CUTOFF - timedelta(seconds=2)
    book.answer(late)
    assert book.at == CUTOFF
    book.close(rows(**changes))
    return book


def test_a_closing_holds_whose_table_is_the_one_of_the_cut_off(verified: Verify) -> None:
    result = verified(Log(a_month().leaves))
    assert result.holds
    assert result.closed == {PERIOD: 8}
    assert result.figures()["national"].fraction == "2/2"


def test_a_closing_with_another_figure_is_named(verified: Verify) -> None:
    result = verified(Log(a_month(answered=2, unanswered=0).leaves))
    assert found(result) == {(Check.CLOSING, 8)}


def test_a_month_is_closed_once_and_for_all(verified: Verify) -> None:
    book = a_month()
    book.close(rows())
    book.ask()
    assert found(verified(Log(book.leaves))) == {(Check.CLOSING, 9), (Check.CLOSING, 11)}


def test_a_month_is_not_closed_as_of_a_moment_to_come_or_while_it_goes_on(verified: Verify) -> None:
    book = a_month()
    book.change(8, data={"as_of": (CUTOFF + timedelta(days=1)).isoformat()})
    assert (Check.CLOSING, 8) in found(verified(Log(book.leaves)))
    book.change(8, data={"as_of": book.leaves[1].at.isoformat()})
    assert (Check.CLOSING, 8) in found(verified(Log(book.leaves)))
    book.change(8, data={"as_of": "2026-11-27"})
    assert found(verified(Log(book.leaves))) == {(Check.LEAF, 8)}


def test_gaps_and_repeats_of_a_senders_numbers_are_found_and_are_no_forgery(verified: Verify) -> None:
    book = Book()
    ids = [book.accept("notice", "310115", "410102", sequence=number) for number in (2, 3, 5, 5, 9)]
    book.append("refused", book.id(), refusal=str(book.id()), sender="310115", type="query", sequence=10)
    for number in (1, 2):
        book.accept("notice", "410102", "310115", sequence=number)
    result = verified(Log(book.leaves))
    assert result.holds
    numbering = result.numbering
    assert numbering.senders == 2
    assert [(gap.first, gap.last, gap.entry) for gap in numbering.gaps] == [(1, 1, 0), (4, 4, 2), (6, 8, 4)]
    assert [(one.number, one.entry, one.message) for one in numbering.repeats] == [(5, 3, ids[3])]
    assert str(numbering.gaps[2]) == "310115: numbers 6 to 8 are missing before entry 4"


def test_a_refused_message_that_comes_again_under_its_number_repeats_nothing(verified: Verify) -> None:
    book = Book()
    id = book.id()
    book.append("refused", id, refusal=str(book.id()), sender="310115", type="notice", sequence=1)
    book.ids = id.int - 1
    book.accept("notice", "310115", "410102", sequence=1)
    assert verified(Log(book.leaves)).numbering.repeat_count == 0
