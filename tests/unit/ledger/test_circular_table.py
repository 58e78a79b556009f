"""The circular's rows: ranked by what a rate proves, and derived from what is printed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rates import Figures, wilson_lower_bound
from services.ledger.circular.ranking import ranks
from services.ledger.circular.table import Circular, CircularFigures, Status, make_circular
from tests.unit.ledger.circulars import counted, entry, subject, total_of


def test_three_of_three_stand_below_713_of_714() -> None:
    made = _circular(entry("410101", 3, 3), entry("410102", 713, 714))

    assert [(row.rank, row.code) for row in made.rows] == [(1, "410102"), (2, "410101")]


def test_equal_rates_share_a_rank_in_the_order_of_codes_and_the_next_rank_is_left_out() -> None:
    made = _circular(entry("410104", 1, 2), entry("410103", 9, 9), entry("410101", 9, 9), entry("410102", 1, 2))

    assert [(row.rank, row.code) for row in made.rows] == [(1, "410101"), (1, "410103"), (3, "410102"), (3, "410104")]


def test_who_received_nothing_stands_last_without_rank_rate_change_or_verdict() -> None:
    nothing = replace(entry("410101", 0, 0), before=counted(1, 2), target=Decimal(95))
    made = _circular(nothing, entry("410102", 0, 7))

    last = made.rows[-1]
    assert (last.code, last.rank, last.fraction) == ("410101", None, "0/0")
    assert (last.rate, last.on_time_rate, last.substantive_rate, last.change, last.met) == (None,) * 5
    assert made.rows[0].rank == 1


@given(st.dictionaries(st.integers(410101, 410199).map(str), st.tuples(st.integers(0, 40), st.integers(0, 40))))
def test_ranks_never_contradict_the_bounds_and_name_everyone_once(drawn: dict[str, tuple[int, int]]) -> None:
    figures = {code: counted(min(pair), max(pair)) for code, pair in drawn.items()}

    order = ranks(figures)

    assert order.keys() == figures.keys()
    ranked = [(code, rank) for code, rank in order.items() if rank is not None]
    assert [code for code, rank in order.items() if rank is None] == sorted(
        code for code, counts in figures.items() if not counts.received
    )
    for (better, upper), (worse, lower) in pairwise(ranked):
        a, b = (wilson_lower_bound(figures[code].answered, figures[code].received) for code in (better, worse))
        assert upper <= lower
        assert (upper == lower) == (abs(a - b) < 1e-11)
        assert a > b - 1e-11


def test_the_bound_is_that_of_the_literature() -> None:
    # 81 of 263: 0.2553 to 0.3662 (Newcombe 1998, Statistics in Medicine 17, table I, method 3).
    assert wilson_lower_bound(81, 263) == pytest.approx(0.2553, abs=5e-5)
    assert wilson_lower_bound(15, 148) == pytest.approx(0.0624, abs=5e-5)
    assert wilson_lower_bound(0, 20) == 0
    assert wilson_lower_bound(0, 0) == 0


def test_a_rate_is_not_100_while_something_is_missing() -> None:
    made = _circular(entry("410102", 99_999, 100_000))

    assert made.rows[0].rate == Decimal("99.99")
    assert made.total.rate == Decimal("99.99")


def test_a_change_is_the_difference_of_the_printed_rates() -> None:
    made = _circular(
        replace(entry("410101", 713, 714), before=counted(2, 3)),
        replace(entry("410102", 2, 3), before=counted(713, 714)),
        replace(entry("410103", 2, 3), before=counted(0, 0)),
        replace(entry("410104", 2, 3), before=None),
    )

    changes = {row.code: row.change for row in made.rows}
    assert changes == {"410101": Decimal("33.19"), "410102": Decimal("-33.19"), "410103": None, "410104": None}


@pytest.mark.parametrize(
    ("answered", "target", "met"),
    [(95, "95", True), (94, "95", False), (100, "100", True), (94, None, None), (95, "95.004", True)],
)
def test_a_target_is_met_when_the_printed_rate_reaches_it(answered: int, target: str | None, met: bool | None) -> None:
    made = _circular(replace(entry("410101", answered, 100), target=Decimal(target) if target else None))

    assert made.rows[0].met is met


def test_a_target_of_100_is_not_met_while_something_is_missing() -> None:
    made = _circular(replace(entry("410101", 99_999, 100_000), target=Decimal(100)))

    assert made.rows[0].met is False


def test_a_median_has_one_decimal() -> None:
    made = _circular(replace(entry("410101", 2, 2), median_days=Decimal("3.25")))

    assert made.rows[0].median_days == Decimal("3.3")


def test_what_belongs_to_no_row_stands_in_a_line_of_its_own_so_that_the_columns_add_up() -> None:
    listed = [entry("4101", 7, 9), entry("4102", 3, 3)]
    total = CircularFigures("41", "河南省", counted(12, 15), 11, Decimal(2), None, None)

    made = make_circular(subject(), listed, total)

    assert made.rest is not None
    assert (made.rest.figures, made.rest.substantive) == (counted(2, 3), total.substantive - 10)
    assert sum((row.figures for row in (*made.rows, made.rest)), Figures()) == made.total.figures
    assert _circular(*listed).rest is None


def test_rows_that_have_more_than_their_total_are_refused() -> None:
    with pytest.raises(ValueError, match="more together than 41 has"):
        make_circular(subject(), [entry("4101", 7, 9)], entry("41", 7, 8))


def test_a_code_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        _circular(entry("4101", 7, 9), entry("4101", 7, 9))


def test_more_substantive_answers_than_answers_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be substantive"):
        _circular(replace(entry("4101", 7, 9), substantive=8))


@pytest.mark.parametrize(
    ("closed", "later", "status"),
    [
        (False, timedelta(0), Status.PROVISIONAL),
        (True, timedelta(0), Status.CLOSED),
        (True, timedelta(days=3), Status.RESTATED),
        (True, timedelta(days=-3), Status.PROVISIONAL),
    ],
)
def test_figures_are_closed_only_as_of_the_cut_off(closed: bool, later: timedelta, status: Status) -> None:
    cut_off = datetime(2026, 11, 27, 16, tzinfo=UTC)

    assert replace(subject(), cut_off=cut_off if closed else None, as_of=cut_off + later).status is status


def _circular(*listed: CircularFigures) -> Circular:
    return make_circular(subject(), listed, total_of(listed))
