"""What the commands print of the answers of the ledger."""

from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console
from rich.table import Table

from contracts.period import Calendar
from contracts.rates import Figures
from services.cli.layout import Clock
from services.cli.parked import set_aside_lines
from services.cli.rate import figures_table, heading
from services.cli.refused import refusal_lines
from services.cli.show import particulars
from services.cli.unanswered import queries_table, way

CLOCK = Clock(Calendar(ZoneInfo("Asia/Shanghai")))
ID = "0197a3c2-5d00-7000-8000-000000000001"


def printed(table: Table, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def rate_answer(national: Figures, provincial: Figures, **members: Any) -> dict[str, Any]:
    """What `GET /v1/rate` answers."""

    def out(figures: Figures) -> dict[str, Any]:
        counts = {name: getattr(figures, name) for name in Figures.__dataclass_fields__}
        return {**counts, "rate": figures.rate, "fraction": figures.fraction}

    return {
        **out(national + provincial),
        "jurisdiction": "410102",
        "name": "中原区",
        "role": "recipient",
        "tier": None,
        "kind": None,
        "period": "2026-11",
        "from": "2026-10-20T16:00:00Z",
        "to": "2026-11-20T16:00:00Z",
        "as_of": "2026-11-05T04:00:00Z",
        "tiers": {"national": out(national), "provincial": out(provincial)},
        **members,
    }


DEMONSTRATED = Figures(received=714, answered=713, on_time=713, unanswered=1, on_time_original=712, substantive=711)


def test_a_rate_is_shown_by_tier_and_in_total_with_its_fraction() -> None:
    shown = printed(figures_table(rate_answer(DEMONSTRATED, DEMONSTRATED))).splitlines()
    assert shown[0].split() == ["national", "provincial", "total"]
    assert shown[9].split() == ["feedback", "rate", "713/714", "713/714", "1426/1428"]
    assert shown[10].split() == ["99.86", "%", "99.86", "%", "99.86", "%"]


def test_a_rate_says_what_was_on_time_at_first_and_what_says_something_of_the_matter() -> None:
    shown = printed(figures_table(rate_answer(DEMONSTRATED, Figures())))
    lines = {line[:16].rstrip(): line[16:].split() for line in shown.splitlines()}
    assert lines["on time at first"] == ["712", "0", "712"]
    assert lines["substantive"] == ["711", "0", "711"]


def test_nothing_received_has_a_dash_for_its_rate() -> None:
    shown = printed(figures_table(rate_answer(DEMONSTRATED, Figures()))).splitlines()
    assert shown[9].split() == ["feedback", "rate", "713/714", "0/0", "713/714"]
    assert shown[10].split() == ["99.86", "%", "–", "99.86", "%"]


def test_a_rate_of_one_tier_is_shown_alone() -> None:
    shown = printed(figures_table(rate_answer(DEMONSTRATED, Figures(), tier="national")))
    assert "total" not in shown
    assert "provincial" not in shown


def test_figures_of_millions_fit_on_80_columns() -> None:
    many = Figures(received=123_456_789, answered=123_456_788, on_time=123_456_788, unanswered=1)
    shown = printed(figures_table(rate_answer(many, many)))
    assert max(map(len, shown.splitlines())) <= 80
    assert "123456788/123456789" in shown
    assert "99.99 %" in shown


def test_a_rate_is_headed_by_place_period_and_moment() -> None:
    lines = heading(rate_answer(DEMONSTRATED, DEMONSTRATED, role="sender", kind="case.assist"), CLOCK)
    assert lines == [
        "410102 中原区, as the one who asked",
        "received 2026-10-21 to 2026-11-20 (period 2026-11)",
        "as of 2026-11-05 12:00:00 (Asia/Shanghai)",
        "kind case.assist",
        "",
    ]
    assert heading(rate_answer(DEMONSTRATED, DEMONSTRATED, jurisdiction=""), CLOCK)[0] == "the whole platform"


def unanswered_query(**members: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "kind": "certificate.verify",
        "from": "310115",
        "to": "410102",
        "address": "410102",
        "recipient": "410102",
        "tier": "provincial",
        "dispatched_at": "2026-11-24T03:01:11Z",
        "due": "2026-12-09",
        "original_due": "2026-12-09",
        "state": "dispatched",
        "acknowledged_at": None,
        "overdue": False,
    } | members


def test_an_unanswered_query_fits_on_80_columns_with_its_id_and_deadline() -> None:
    shown = printed(queries_table([unanswered_query()], CLOCK))
    assert max(map(len, shown.splitlines())) <= 80
    assert ID in shown
    assert "2026-11-24 11:01  2026-12-09" in shown
    assert "certificate.verify  310115 → 410102" in shown
    assert "OVERDUE" not in shown


def test_an_unanswered_query_says_how_far_it_got_and_which_date_held_at_first() -> None:
    shown = printed(queries_table([unanswered_query(state="partly-answered", original_due="2026-11-30")], CLOCK))
    assert max(map(len, shown.splitlines())) <= 80
    assert "partly answered" in shown
    assert "first due 2026-11-30" in shown
    assert "first due" not in printed(queries_table([unanswered_query()], CLOCK))


def test_an_overdue_query_is_marked() -> None:
    assert "OVERDUE" in printed(queries_table([unanswered_query(overdue=True)], CLOCK))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, "310115 → 410102"),
        ({"to": "412401", "address": "410202", "recipient": "410202"}, "310115 → 412401, now 410202"),
        ({"to": "410102.health", "address": "410102.health"}, "310115 → 410102.health (inbox of 410102)"),
    ],
)
def test_a_way_names_successor_and_inbox_where_they_differ(members: dict[str, Any], expected: str) -> None:
    assert way(unanswered_query(**members)) == expected


def test_a_refusal_names_problem_message_sender_and_what_to_do() -> None:
    refusal = {
        "at": "2026-11-24T03:01:18Z",
        "problem": "urn:huizhi:problem:unknown-address",
        "title": "The address is not in the directory",
        "detail": "no jurisdiction has or had the code 999999; check to",
        "type": "query",
        "message_id": ID,
        "sender": "310115",
        "door": "amqp",
        "entry": 12,
        "payload_bytes": 16,
    }
    assert refusal_lines(refusal, CLOCK) == [
        "2026-11-24 11:01:18  unknown-address: The address is not in the directory",
        f"  query {ID}",
        "  from 310115, refused over AMQP, entry 12, payload of 16 bytes",
        "  no jurisdiction has or had the code 999999; check to",
    ]
    unreadable = refusal_lines(refusal | {"type": None, "message_id": None, "sender": None, "door": "ledger"}, CLOCK)
    assert unreadable[1:3] == [
        "  message without an id that can be read",
        "  from an account that is not known, refused by the ledger, entry 12, payload of 16 bytes",
    ]


def test_what_was_set_aside_is_named_as_far_as_it_can_be() -> None:
    item = {"at": "2026-11-24T03:01:18Z", "reason": "contradiction", "message_id": None, "sender": None, "batch": ID}
    assert set_aside_lines(item, CLOCK) == [
        "2026-11-24 11:01:18  set aside: contradiction",
        f"  no message that can be named from an account that is not known, batch {ID}",
    ]


def test_a_message_that_was_only_refused_says_so() -> None:
    assert particulars({"id": ID, "state": None}) == [
        ("message", ID),
        ("state", "refused; it is not on the ledger"),
    ]
