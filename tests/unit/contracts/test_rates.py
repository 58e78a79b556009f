"""The feedback rate: exact, rounded half up, and never better than it is."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rates import NO_RATE, Figures, percentage, shown


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
