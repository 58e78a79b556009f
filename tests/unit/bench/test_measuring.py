"""The arithmetic of the figures."""

import asyncio

import pytest

from tests.bench.measuring import Series, in_turns, percentile, ratios


def test_a_series_has_its_middle_value_and_its_spread_as_a_part_of_it() -> None:
    series = Series((120.0, 80.0, 100.0))

    assert series.median == 100.0
    assert series.spread == pytest.approx(0.4)


def test_a_ratio_is_taken_round_by_round_so_that_a_slow_minute_hits_both() -> None:
    ours, theirs = Series((50.0, 10.0, 60.0)), Series((100.0, 20.0, 100.0))

    assert ratios(ours, theirs).values == (0.5, 0.5, 0.6)


def test_ratios_of_different_numbers_of_rounds_are_an_error() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        ratios(Series((1.0,)), Series((1.0, 2.0)))


@pytest.mark.parametrize(("part", "value"), [(0.0, 1.0), (0.5, 501.0), (0.99, 991.0), (0.999, 1000.0), (1.0, 1000.0)])
def test_a_percentile_is_the_value_below_which_that_part_lies(part: float, value: float) -> None:
    values = [float(number) for number in range(1000, 0, -1)]

    assert percentile(values, part) == value


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 0.999) == 7.0


def test_contestants_take_turns_and_another_one_begins_each_round() -> None:
    order: list[str] = []

    async def run(name: str) -> float:
        order.append(name)
        return float(len(order))

    measured = asyncio.run(in_turns({name: lambda name=name: run(name) for name in "abc"}, rounds=3))  # type: ignore[misc]

    assert order == list("abcbcacab")
    assert measured["a"].values == (1.0, 6.0, 8.0)
