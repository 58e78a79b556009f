"""Who had a message, and for how long."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.ledger.custody import EXCHANGE, Custody, Held, Stage, stretches

START = datetime(2026, 11, 24, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def test_an_answered_query_lay_with_the_exchange_and_then_with_its_recipient_in_two_stages() -> None:
    found = stretches([Held("410102", at(0), at(1), at(3), at(10))])

    assert found == [
        Custody(EXCHANGE, Stage.EXCHANGE, at(0), at(1)),
        Custody("410102", Stage.BEFORE_ACKNOWLEDGEMENT, at(1), at(3)),
        Custody("410102", Stage.AFTER_ACKNOWLEDGEMENT, at(3), at(10)),
    ]
    assert [stretch.seconds(at(99)) / 3600 for stretch in found] == [1, 2, 7]


def test_what_is_not_over_lasts_until_now() -> None:
    (_, waiting) = stretches([Held("410102", at(0), at(1), None, None)])

    assert (waiting.stage, waiting.until) == (Stage.BEFORE_ACKNOWLEDGEMENT, None)
    assert waiting.seconds(at(5)) == 4 * 3600


def test_a_forwarded_query_lies_with_the_exchange_between_its_recipients() -> None:
    found = stretches(
        [
            # The ledger wrote the forward down an hour after it had arrived; that hour is the exchange's.
            Held("410102", at(0), at(1), None, at(5)),
            Held("410105", at(4), at(6), None, at(8)),
        ]
    )

    assert [(stretch.holder, stretch.since, stretch.until) for stretch in found] == [
        (EXCHANGE, at(0), at(1)),
        ("410102", at(1), at(4)),
        (EXCHANGE, at(4), at(6)),
        ("410105", at(6), at(8)),
    ]


def test_what_nobody_received_lay_with_the_exchange_alone() -> None:
    assert stretches([Held(None, at(0), None, None, at(2))]) == [Custody(EXCHANGE, Stage.EXCHANGE, at(0), at(2))]
    assert stretches([Held(None, at(0), None, None, None)])[0].until is None


def test_an_answer_that_overtook_the_report_of_delivery_leaves_its_recipient_no_time() -> None:
    (_, held) = stretches([Held("410102", at(0), at(2), None, at(1))])

    assert (held.since, held.until, held.seconds(at(9))) == (at(2), at(2), 0)


moments = st.floats(0, 1000).map(at)


@st.composite
def duties(draw: st.DrawFn) -> list[Held]:
    count = draw(st.integers(1, 4))
    past = [Held("410102", draw(moments), draw(moments), draw(moments), draw(moments)) for _ in range(count - 1)]
    last = Held(
        draw(st.sampled_from(["410105", None])),
        draw(moments),
        draw(moments | st.none()),
        draw(moments | st.none()),
        draw(moments | st.none()),
    )
    return [*past, last]


@given(duties())
def test_stretches_follow_on_each_other_without_gap_and_only_the_last_may_go_on(held: list[Held]) -> None:
    found = stretches(held)

    assert found[0].since == held[0].taken_at
    assert all(before.until == after.since for before, after in pairwise(found))
    assert all(stretch.until is None or stretch.until >= stretch.since for stretch in found)
