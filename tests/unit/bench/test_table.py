"""Figures, their bars, and the table that is printed."""

import pytest

from tests.bench.measuring import Series
from tests.bench.table import Figure, show


@pytest.mark.parametrize(
    ("values", "at_least", "at_most", "holds"),
    [
        ((0.4, 0.5, 0.6), 0.5, None, True),
        ((0.4, 0.49, 0.6), 0.5, None, False),
        ((14.0, 15.0, 90.0), None, 15.0, True),
        ((14.0, 15.1, 15.2), None, 15.0, False),
        ((1.0,), None, None, None),
    ],
)
def test_the_median_is_held_against_the_bar(
    values: tuple[float, ...], at_least: float | None, at_most: float | None, holds: bool | None
) -> None:
    assert Figure("a", "ms", Series(values), at_least=at_least, at_most=at_most).holds is holds


def test_the_table_names_what_missed_its_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")

    show(
        [
            Figure("capacity", "queries/s", Series((4321.0,))),
            Figure("of the ceiling", "of it", Series((0.61, 0.63, 0.62)), at_least=0.5),
            Figure("lone message", "ms", Series((16.0,)), at_most=15),
        ]
    )

    lines = capsys.readouterr().out.splitlines()
    assert next("4,321 queries/s" in line for line in lines if "capacity" in line)
    assert next("0.62 of it" in line and "3%" in line and "holds" in line for line in lines if "ceiling" in line)
    assert next("≤ 15" in line and "MISSED" in line for line in lines if "lone" in line)


def test_the_results_keep_every_round_and_the_bar() -> None:
    kept = Figure("lone message", "ms", Series((16.0, 14.0, 15.0)), at_most=15, note="idle").to_dict()

    assert kept["rounds"] == [16.0, 14.0, 15.0]
    assert (kept["median"], kept["at_most"], kept["holds"], kept["note"]) == (15.0, 15, True, "idle")
    assert "at_least" not in kept
