"""Moments and tables as the commands print them."""

from zoneinfo import ZoneInfo

import pytest

from contracts.period import Calendar
from services.cli.errors import CommandError
from services.cli.layout import NOTHING, Clock, show_table, table

CLOCK = Clock(Calendar(ZoneInfo("Asia/Shanghai")))
ID = "0197a3c2-5d00-7000-8000-000000000001"


def test_a_moment_is_shown_in_the_platforms_zone() -> None:
    assert CLOCK.moment("2026-11-24T03:01:11.393098Z") == "2026-11-24 11:01:11"
    assert CLOCK.moment("2026-11-24T03:01:11.393098Z", milliseconds=True) == "2026-11-24 11:01:11.393"
    assert CLOCK.moment(None) == NOTHING


def test_a_span_of_whole_days_is_shown_by_its_first_and_last_day() -> None:
    assert CLOCK.days("2026-10-20T16:00:00Z", "2026-11-20T16:00:00Z") == "2026-10-21 to 2026-11-20"


def test_a_span_within_a_day_is_shown_by_its_moments() -> None:
    shown = CLOCK.days("2026-10-20T16:00:00Z", "2026-10-20T17:30:00Z")
    assert shown == "2026-10-21 00:00:00 to 2026-10-21 01:30:00"


def test_the_clock_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIZHI_TIME_ZONE", "Asia/Urumqi")
    assert Clock.of_settings().zone == "Asia/Urumqi"
    monkeypatch.setenv("HUIZHI_TIME_ZONE", "Asia/Nowhere")
    with pytest.raises(CommandError, match="HUIZHI_TIME_ZONE"):
        Clock.of_settings()


@pytest.mark.parametrize("width", [20, 80, 120])
def test_a_table_never_cuts_an_id(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    made = table("query", "way", "count", right=("count",))
    made.add_row(ID, "310115 → 410102.a-department-with-a-long-name", "1,428")
    show_table(made)
    printed = capsys.readouterr().out
    assert ID in printed
    assert "410102.a-department-with-a-long-name  1,428" in printed
