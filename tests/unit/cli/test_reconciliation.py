"""A participant's list beside the ledger's: every difference is found, once, with its reason."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.listing_wire import ListName
from contracts.period import Calendar
from services.cli.layout import Clock
from services.cli.reconcile.comparison import Comparison, Question, compare
from services.cli.reconcile.difference import EXPLAINED, Difference, Reason, Side
from services.cli.reconcile.own_list import OwnItem
from services.cli.reconcile.report import Compared, difference_lines, document

ME, ASKER, OTHER = "410102", "310115", "410103"
AT = "2026-11-22T02:00:00Z"
ID, ANSWER, QUERY = (str(UUID(int=number)) for number in (1, 2, 3))
CLOCK = Clock(Calendar(ZoneInfo("Asia/Shanghai")))
ALL = list(ListName)


def item(id: str, period: str = "2026-12", **more: Any) -> dict[str, Any]:
    """An item of the ledger's list."""
    given = {
        "id": id,
        "kind": "case.assist",
        "from": ASKER,
        "to": ME,
        "address": ME,
        "recipient": ME,
        "received_at": AT,
        "period": period,
        "state": "answered",
        "ended_at": AT,
        "answer_id": ANSWER,
        "outcome": "confirmed",
    }
    return given | more


def dispatched(recipient: str = ME, period: str = "2026-11") -> dict[str, Any]:
    data = {"recipient": recipient, "address": recipient, "period": period}
    return {"index": 7, "at": AT, "event": "dispatched", "data": data}


def handed_on(event: str = "forwarded") -> dict[str, Any]:
    return {"index": 8, "at": AT, "event": event, "data": {"by": ME, "to": OTHER}}


def message(*entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What the ledger says of one message."""
    given = {
        "id": ID,
        "type": "query",
        "state": "dispatched",
        "sender": ASKER,
        "from": ASKER,
        "address": ME,
        "recipient": ME,
        "due": "2026-12-24",
        "correlation_id": None,
        "answer_id": None,
        "parked_reason": None,
        "accepted_at": AT,
        "closed_at": AT,
        "entries": list(entries),
        "refusals": [],
    }
    return given | more


def refusal(sender: str | None = ME) -> dict[str, Any]:
    problem = "urn:huizhi:problem:unknown-kind"
    return {"sender": sender, "problem": problem, "at": AT, "entry": 9, "detail": "kind is one of …"}


def compared(
    mine: list[OwnItem],
    ledger: Mapping[ListName, list[dict[str, Any]]],
    known: Mapping[str, dict[str, Any]] | None = None,
    account: str = ME,
) -> Comparison:
    question = Question(account, CLOCK.calendar.months, (known or {}).get, CLOCK.moment)
    return compare(mine, ledger, question)


def only(list_: ListName, found: dict[str, Any] | None, account: str = ME) -> Difference:
    """The one difference that comes of an id of mine that the ledger's list lacks."""
    known = {} if found is None else {ID: found}
    (difference,) = compared([OwnItem(list_, ID, None, 2)], {list_: []}, known, account).differences
    assert (difference.list, difference.id) == (list_, ID)
    return difference


def test_the_same_on_both_sides_is_no_difference() -> None:
    ids = [str(uuid4()) for _ in range(5)]
    mine = [OwnItem(list_, id, None, 2) for list_ in ALL for id in ids]
    comparison = compared(mine, {list_: [item(id) for id in ids] for list_ in ALL})
    assert comparison.equal
    assert {counts.both for counts in comparison.counts.values()} == {5}


@given(st.sets(st.uuids(), max_size=12), st.sets(st.uuids(), max_size=12), st.sets(st.uuids(), max_size=12))
def test_every_id_of_one_side_only_is_named_once(both: set[UUID], mine: set[UUID], ledger: set[UUID]) -> None:
    mine, ledger = mine - both - ledger, ledger - both
    own = [OwnItem(ListName.SENT, str(id), None, 2) for id in both | mine]
    comparison = compared(own, {ListName.SENT: [item(str(id)) for id in both | ledger]})
    assert sorted(each.id for each in comparison.on(Side.ONLY_MINE)) == sorted(map(str, mine))
    assert sorted(each.id for each in comparison.on(Side.ONLY_LEDGER)) == sorted(map(str, ledger))
    assert comparison.counts[ListName.SENT].both == len(both)


@pytest.mark.parametrize(
    ("list_", "found", "side", "reason", "said"),
    [
        (ListName.SENT, None, Side.ONLY_MINE, Reason.UNKNOWN, "no trace of it"),
        (ListName.ANSWERED, None, Side.ONLY_MINE, Reason.UNKNOWN, "no trace of such a query to you"),
        (
            ListName.SENT,
            message(state=None, refusals=[refusal(OTHER), refusal()]),
            Side.ONLY_MINE,
            Reason.REFUSED,
            "unknown-kind at 2026-11-22 10:00:00, entry 9: kind is one of",
        ),
        (
            ListName.RECEIVED,
            message(state=None, refusals=[refusal(None)]),
            Side.ONLY_MINE,
            Reason.REFUSED,
            "unknown-kind of an unknown account at",
        ),
        (
            ListName.SENT,
            message(type="notice"),
            Side.ONLY_MINE,
            Reason.NOT_A_QUERY,
            "it is a notice, which no list",
        ),
        (
            ListName.SENT,
            message(type="acknowledgement", sender=ME, correlation_id=QUERY),
            Side.ONLY_MINE,
            Reason.NOT_A_QUERY,
            f"it is the id of an acknowledgement from you; the query's own id is {QUERY}",
        ),
        (
            ListName.ANSWERED,
            message(type="answer", sender=ME, correlation_id=QUERY),
            Side.ONLY_MINE,
            Reason.ANOTHER_ID,
            f"it is the id of an answer from you; the query's own id is {QUERY}",
        ),
        (ListName.SENT, message(sender=OTHER), Side.ONLY_MINE, Reason.ANOTHER_SENDER, f"{OTHER} sent it"),
        (
            ListName.SENT,
            message(sender=ME, state="parked", parked_reason="no-participant", address="110105"),
            Side.ONLY_MINE,
            Reason.PARKED,
            "for 110105, parked (no-participant)",
        ),
        (ListName.SENT, message(sender=ME, state="accepted"), Side.ONLY_MINE, Reason.UNDERWAY, "not confirmed into"),
        (
            ListName.SENT,
            message(sender=ME, state="withdrawn"),
            Side.ONLY_MINE,
            Reason.WITHDRAWN,
            "withdrawn at 2026-11-22 10:00:00; it counts nowhere",
        ),
        (
            ListName.SENT,
            message(dispatched(OTHER), sender=ME),
            Side.DIFFERS,
            Reason.ANOTHER_PERIOD,
            "the ledger counts it in 2026-11: received at 2026-11-22 10:00:00",
        ),
        (ListName.RECEIVED, message(dispatched()), Side.DIFFERS, Reason.ANOTHER_PERIOD, "counts it in 2026-11"),
        (
            ListName.RECEIVED,
            message(dispatched(OTHER), recipient=OTHER),
            Side.ONLY_MINE,
            Reason.ANOTHER_RECIPIENT,
            f"dispatched to inbox.{OTHER} at 2026-11-22 10:00:00, for {OTHER}",
        ),
        (ListName.RECEIVED, message(state="parked", recipient=None), Side.ONLY_MINE, Reason.PARKED, "it waits"),
        (
            ListName.ANSWERED,
            message(dispatched(), state="acknowledged"),
            Side.DIFFERS,
            Reason.NOT_ANSWERED,
            "it is acknowledged and unanswered, due 2026-12-24",
        ),
        (
            ListName.ANSWERED,
            message(dispatched(), state="partly-answered", answer_id=ANSWER),
            Side.DIFFERS,
            Reason.NOT_ANSWERED,
            f"only in part, by answer {ANSWER}",
        ),
        (
            ListName.ANSWERED,
            message(dispatched(), state="withdrawn"),
            Side.DIFFERS,
            Reason.NOT_ANSWERED,
            "its asker withdrew it at",
        ),
        (
            ListName.ANSWERED,
            message(dispatched(), handed_on(), state="forwarded", recipient=None),
            Side.DIFFERS,
            Reason.NOT_ANSWERED,
            f"forwarded to {OTHER} at",
        ),
        (
            ListName.ANSWERED,
            message(dispatched(), handed_on("passed-on"), dispatched(OTHER), state="answered", recipient=OTHER),
            Side.DIFFERS,
            Reason.NOT_ANSWERED,
            f"passed-on to {OTHER} at",
        ),
        (
            ListName.ANSWERED,
            message(dispatched(), state="answered"),
            Side.DIFFERS,
            Reason.ANOTHER_PERIOD,
            "counts it in 2026-11",
        ),
        (
            ListName.ANSWERED,
            message(dispatched(OTHER), state="answered", recipient=OTHER),
            Side.ONLY_MINE,
            Reason.ANOTHER_RECIPIENT,
            f"inbox.{OTHER}",
        ),
    ],
)
def test_what_the_ledgers_list_lacks_is_resolved(
    list_: ListName, found: dict[str, Any] | None, side: Side, reason: Reason, said: str
) -> None:
    difference = only(list_, found)
    assert (difference.side, difference.reason) == (side, reason)
    assert said in difference.detail


@pytest.mark.parametrize(
    ("list_", "said"),
    [
        (ListName.SENT, f"you sent it to {ME}, and it was dispatched to inbox.{ME} at 2026-11-22 10:00:00"),
        (ListName.RECEIVED, f"dispatched to inbox.{ME} at 2026-11-22 10:00:00, case.assist from {ASKER} for {ME}"),
        (ListName.ANSWERED, f"answered at 2026-11-22 10:00:00 with confirmed, by answer {ANSWER}"),
    ],
)
def test_what_mine_lacks_is_said_with_its_place(list_: ListName, said: str) -> None:
    (difference,) = compared([], {list_: [item(ID)]}).differences
    assert (difference.side, difference.reason) == (Side.ONLY_LEDGER, Reason.NOT_LISTED)
    assert said in difference.detail


def test_an_answer_listed_by_its_own_id_is_found_from_both_sides() -> None:
    answer = message(type="answer", sender=ME, correlation_id=QUERY)
    mine = [OwnItem(ListName.ANSWERED, ANSWER, None, 2)]
    comparison = compared(mine, {ListName.ANSWERED: [item(QUERY)]}, {ANSWER: answer})
    assert [(each.side, each.id, each.reason, each.other) for each in comparison.differences] == [
        (Side.ONLY_MINE, ANSWER, Reason.ANOTHER_ID, QUERY),
        (Side.ONLY_LEDGER, QUERY, Reason.ANOTHER_ID, ANSWER),
    ]


def test_what_stands_twice_and_what_stands_in_another_period_differ() -> None:
    mine = [OwnItem(ListName.SENT, ID, None, 2), OwnItem(ListName.SENT, ID, None, 5)]
    mine += [OwnItem(ListName.SENT, QUERY, "2026-11", 6), OwnItem(ListName.SENT, ANSWER, "2026", 7)]
    comparison = compared(mine, {ListName.SENT: [item(ID), item(QUERY), item(ANSWER)]})
    assert [(each.id, each.reason) for each in comparison.differences] == [
        (ID, Reason.LISTED_TWICE),
        (QUERY, Reason.ANOTHER_PERIOD),
    ]
    assert "lines 2, 5" in comparison.differences[0].detail
    assert "you have it in 2026-11; the ledger counts it in 2026-12" in comparison.differences[1].detail


def test_lists_that_are_not_asked_for_are_left_alone() -> None:
    assert compared([OwnItem(ListName.RECEIVED, ID, None, 2)], {ListName.SENT: []}).equal


def test_the_report_names_every_difference() -> None:
    mine = [OwnItem(ListName.SENT, ID, None, 2), OwnItem(ListName.ANSWERED, ANSWER, None, 3)]
    known = {ANSWER: message(dispatched())}
    comparison = compared(mine, {list_: [item(QUERY)] for list_ in ALL}, known)
    printed = "\n".join(difference_lines(comparison))
    shown = document(Compared(ME, [], 0, comparison))
    for difference in comparison.differences:
        assert difference.id in printed
        assert difference.detail in printed
        assert EXPLAINED[difference.reason] in printed
        assert difference.to_dict() in shown[difference.side.replace("-", "_")]
    assert not shown["equal"]
    assert shown["lists"][ListName.SENT] == {"mine": 1, "ledger": 1, "both": 0, "differences": 2}
    assert set(EXPLAINED) == set(Reason)
