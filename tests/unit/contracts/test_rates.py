"""The feedback rate: exact, rounded half up, and never better than it is."""

import math
from decimal import Decimal
from fractions import Fraction
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rates import NO_RATE, Figures, percentage, shown, wilson_lower_bound


@pytest.mark.parametrize(
    ("part", "whole", "rate"),
    [
        (713, 714, "99.86"),
        (714, 714, "100.00"),
        (0, 714, "0.00"),
        (1, 3, "33.33"),
        (2, 3, "66.67"),
        (1, 800, "0.13"),
        (99_999, 100_000, "99.99"),
        (999_999_999, 1_000_000_000, "99.99"),
    ],
)
def test_a_rate_has_two_decimals_rounded_half_up(part: int, whole: int, rate: str) -> None:
    assert percentage(part, whole) == rate


def test_nothing_received_has_no_rate() -> None:
    assert percentage(0, 0) is None
    assert shown(Figures().rate) == NO_RATE
    assert Figures().fraction == "0/0"


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_a_rate_is_100_only_when_nothing_is_missing_and_never_further_off_than_a_hundredth(
    part: int, whole: int
) -> None:
    part = min(part, whole)
    rate = percentage(part, whole)
    assert rate is not None
    assert (rate == "100.00") == (part == whole)
    assert abs(Fraction(Decimal(rate)) - Fraction(100 * part, whole)) <= Fraction(1, 100)


@pytest.mark.parametrize(("part", "whole"), [(1, 0), (-1, 5), (6, 5)])
def test_what_is_no_part_of_a_whole_is_an_error(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        percentage(part, whole)


def test_figures_add_up_member_by_member() -> None:
    total = Figures(3, 1, 1, 2, 0, 0) + Figures(2, 1, 0, 0, 1, 0)
    assert total == Figures(5, 2, 1, 2, 1, 0)
    assert total.holds
    assert not Figures(received=1).holds
    assert shown(Figures(714, 713, 700, 1).rate) == "99.86 %"


@pytest.mark.parametrize(
    ("part", "whole", "bound"),
    [(3, 3, 0.438503), (713, 714, 0.992110), (714, 714, 0.994649), (1, 2, 0.094531), (8, 10, 0.490162), (0, 5, 0.0)],
)
def test_the_wilson_bound_is_that_of_the_formula(part: int, whole: int, bound: float) -> None:
    assert wilson_lower_bound(part, whole) == pytest.approx(bound, abs=5e-7)


@given(st.integers(0, 10**4), st.integers(1, 10**4))
def test_the_wilson_bound_is_the_share_from_which_the_rate_is_just_that_far_off(part: int, whole: int) -> None:
    # What the interval is defined by, rather than the formula that it is solved into.
    part = min(part, whole)
    bound = wilson_lower_bound(part, whole)
    deviation = NormalDist().inv_cdf(0.975) * math.sqrt(bound * (1 - bound) / whole)
    assert part / whole - bound == pytest.approx(deviation, rel=1e-6, abs=1e-9)


def test_a_full_score_of_few_does_not_outrank_nearly_all_of_many() -> None:
    assert wilson_lower_bound(3, 3) < wilson_lower_bound(713, 714) < wilson_lower_bound(714, 714)
    assert wilson_lower_bound(0, 0) == 0.0


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_wilson_bound_lies_below_the_rate_and_grows_with_it_and_with_its_number(part: int, whole: int) -> None:
    part = min(part, whole)
    bound = wilson_lower_bound(part, whole)
    assert 0.0 <= bound <= part / whole
    if part < whole:
        assert bound < wilson_lower_bound(part + 1, whole)
    if part:
        assert bound < wilson_lower_bound(10 * part, 10 * whole)


@pytest.mark.parametrize(("part", "whole"), [(1, 0), (-1, 3), (4, 3)])
def test_there_is_no_wilson_bound_of_what_is_no_part(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="no part of a whole"):
        wilson_lower_bound(part, whole)
