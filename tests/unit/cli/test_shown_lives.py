"""What `huizhi show` and `huizhi custody` print of a query's life."""

from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console
from rich.table import Table

from contracts.period import Calendar
from services.cli.custody import addresses_table, stages_table
from services.cli.layout import Clock, duration
from services.cli.show import custody_table, entry_details, particulars, timeline_table

CLOCK = Clock(Calendar(ZoneInfo("Asia/Shanghai")))
ID = "0197a3c2-5d00-7000-8000-000000000001"


def printed(table: Table) -> str:
    console = Console(file=StringIO(), width=80)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def entry(index: int, at: str, event: str, **data: object) -> dict[str, Any]:
    return {"index": index, "at": at, "event": event, "data": data}


def stretch(holder: str, stage: str, since: str, until: str | None, seconds: float) -> dict[str, Any]:
    return {"holder": holder, "stage": stage, "since": since, "until": until, "seconds": seconds}


QUERY: dict[str, Any] = {
    "id": ID,
    "type": "query",
    "state": "acknowledged",
    "parked_reason": None,
    "kind": "case.assist",
    "from": "310115",
    "to": "410102",
    "address": "410105",
    "recipient": "410105",
    "tier": "national",
    "sender": "310115",
    "submitter": "310115",
    "due": "2026-12-31",
    "original_due": "2026-12-24",
    "proposed_due": "2027-01-15",
    "forwards": 1,
    "holders": ["410102"],
    "outcome": None,
    "reason_code": None,
    "answer_id": None,
    "on_time": None,
    "on_time_original": None,
    "timely": None,
    "useful": None,
    "period": "2026-12",
    "arrived_at": "2026-11-24T01:00:00Z",
    "custody": [
        stretch("exchange", "exchange", "2026-11-24T01:00:00Z", "2026-11-24T01:00:02Z", 2),
        # The forward arrived a while before the ledger wrote it down.
        stretch("410102", "before-acknowledgement", "2026-11-24T01:00:02Z", "2026-11-25T01:00:02Z", 86_400),
        stretch("exchange", "exchange", "2026-11-25T01:00:02Z", "2026-11-25T01:00:03.5Z", 1),
        stretch("410105", "before-acknowledgement", "2026-11-25T01:00:03.500Z", "2026-11-25T04:00:03Z", 10_800),
        stretch("410105", "after-acknowledgement", "2026-11-25T04:00:03Z", None, 700_000),
    ],
    "entries": [
        entry(0, "2026-11-24T01:00:01Z", "accepted"),
        entry(1, "2026-11-24T01:00:02Z", "dispatched", recipient="410102"),
        entry(9, "2026-11-25T01:00:02.750Z", "forwarded", by="410102", to="410105", reason="not-in-charge"),
        entry(10, "2026-11-25T01:00:03.500Z", "dispatched", recipient="410105"),
        entry(12, "2026-11-25T04:00:03Z", "acknowledged"),
        entry(100_000, "2026-11-26T04:00:03Z", "extension-asked", due="2027-01-15", reason="needs-investigation"),
        entry(100_001, "2026-11-27T04:00:03Z", "reminded", step="by-hand", by="310115", reason="other"),
    ],
}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.00 s"),
        (0.254, "0.25 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h"),
        (90_000, "1 d 1 h"),
        (864_000, "10 d"),
    ],
)
def test_a_length_of_time_is_shown_in_its_two_greatest_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_particulars_tell_of_both_dates_the_way_and_the_reminders() -> None:
    shown = dict(particulars(QUERY))
    assert shown["due"] == "2026-12-31 (first 2026-12-24)"
    assert shown["proposed"] == "2027-01-15; the asker has not replied"
    assert (shown["forwards"], shown["before"], shown["reminders"]) == ("1", "410102", "1")
    assert "answered" not in shown


def test_particulars_of_an_answered_query_tell_which_date_it_kept_and_the_rating() -> None:
    answered = {"outcome": "refused", "reason_code": "not-permitted", "on_time": True, "on_time_original": False}
    shown = dict(particulars({**QUERY, **answered, "state": "answered", "timely": True, "useful": False}))
    assert shown["answered"] == "refused, on time by the agreed date, late by the first"
    assert (shown["reason"], shown["rating"]) == ("not-permitted", "timely, not useful")


def test_each_entry_says_who_had_the_query_until_then_and_for_how_long() -> None:
    shown = printed(timeline_table(QUERY, CLOCK))
    assert max(map(len, shown.splitlines())) <= 80
    for expected in (
        "2026-11-24 09:00:02.000",
        "the exchange, 1.00 s",
        "410102, 1 d",
        "410105, 2 h 59 min",
        "by 410102 to 410105, not-in-charge",
        "due 2027-01-15, needs-investigation",
        "by-hand, by 310115, other",
    ):
        assert expected in shown


def test_what_was_only_refused_has_a_timeline_without_holders() -> None:
    refused = {"arrived_at": None, "custody": [], "entries": [entry(3, "2026-11-24T01:00:01Z", "refused")]}
    shown = printed(timeline_table(refused, CLOCK))
    assert "refused" in shown
    assert "exchange" not in shown


def test_custody_says_from_when_each_holder_had_it() -> None:
    shown = printed(custody_table(QUERY["custody"], CLOCK)).splitlines()
    assert max(map(len, shown)) <= 80
    assert shown[2].split() == ["2026-11-24", "09:00:02", "410102", "before", "acknowledgement", "1", "d"]
    assert shown[-1].endswith("8 d 2 h so far")


@pytest.mark.parametrize(
    ("event", "data", "details"),
    [
        ("answered", {"outcome": "confirmed", "on_time": False}, ["confirmed", "late"]),
        ("escalated", {"step": "escalate-10", "told": "4101"}, ["escalate-10", "4101 is told"]),
        ("escalated", {"step": "escalate-10", "told": None}, ["escalate-10", "nobody above is told"]),
        ("rated", {"timely": True, "useful": True}, ["timely, useful"]),
        ("withdrawn", {"reason": "no-longer-needed"}, ["no-longer-needed"]),
        ("accepted", {"reason": None}, []),
    ],
)
def test_an_entry_says_what_it_is_about(event: str, data: dict[str, object], details: list[str]) -> None:
    assert entry_details({"event": event, "data": data}) == details


def test_custody_figures_fit_on_80_columns() -> None:
    spread = {"count": 1_234_567, "median": 86_400 * 123 + 3_600 * 23, "p90": 86_400 * 365 + 3_600 * 23}
    stages = {"exchange": spread, "before_acknowledgement": spread, "after_acknowledgement": spread}
    line = {**stages, "address": "410102.health", "received": 1_234_567, "running": 3}
    none = {"count": 0, "median": None, "p90": None}
    for shown in (printed(stages_table(line)), printed(addresses_table([{**line, "address": "410102"}]))):
        assert max(map(len, shown.splitlines())) <= 80
        assert "123 d 23 h" in shown
    assert "–" in printed(stages_table({**stages, "after_acknowledgement": none}))
