"""`huizhi rate`, `unanswered` and `period` on a running stack."""

import pytest

from tests.integration.cli.conftest import ORIGIN, RESIDENCE, call, call_json, send_query

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("run")]

FIGURES = ("received", "answered", "on_time", "unanswered", "withdrawn", "forwarded")


def received() -> int:
    return int(call_json("rate", RESIDENCE)["received"])


def send_received(*options: object) -> str:
    """A query that the ledger counts as received."""
    before = received()
    query = send_query(*options)
    while received() == before:
        pass
    return query


def test_a_rate_in_json_has_the_figures_at_top_level() -> None:
    answered = send_received()
    send_received()
    call("answer", answered, "--outcome", "not-found")
    rate = call_json("rate", RESIDENCE)
    assert rate["received"] == sum(rate[name] for name in ("answered", "unanswered", "withdrawn", "forwarded"))
    assert rate["fraction"] == f"{rate['answered']}/{rate['received']}"
    assert rate["rate"].partition(".")[2].isdigit()
    assert {name: rate[name] for name in FIGURES} == {name: rate["tiers"]["national"][name] for name in FIGURES}
    assert call_json("rate", RESIDENCE[:4])["received"] == rate["received"]
    assert call_json("rate", ORIGIN, "--role", "sender")["received"] >= rate["received"]


def test_a_rate_is_shown_by_place_period_and_tier() -> None:
    send_received()
    text = call("rate", RESIDENCE).stdout
    for expected in (f"{RESIDENCE} 天河区", "(period ", "Asia/Shanghai", "national", "provincial", "total", " %", "–"):
        assert expected in text
    assert "provincial" not in call("rate", RESIDENCE, "--tier", "national").stdout
    assert call_json("rate", RESIDENCE, "--kind", "service.handover")["rate"] is None
    assert call_json("rate", RESIDENCE, "--as-of", "2020-01-01")["received"] == 0
    assert call_json("rate", RESIDENCE, "--from", "2020-01-01")["received"] == received()


def test_the_unanswered_are_listed_oldest_first_and_over_all_pages() -> None:
    queries = [send_received() for _ in range(3)]
    listed = [item["id"] for item in call_json("unanswered", RESIDENCE, "--all")["items"]]
    assert [id for id in listed if id in queries] == queries
    page = call_json("unanswered", RESIDENCE, "--limit", 2)
    assert len(page["items"]) == 2
    assert page["next"] is not None
    text = call("unanswered", RESIDENCE, "--all").stdout
    assert all(query in text for query in queries)
    assert f"{len(listed)} unanswered, 0 overdue" in text
    assert "--all lists them" in call("unanswered", RESIDENCE, "--limit", 1).stdout
    assert "0 unanswered" in call("unanswered", "1501").stdout


def test_periods_are_listed_with_their_days_and_figures() -> None:
    periods = call_json("period", "list", "--count", 3)
    assert [period["state"] for period in periods[:3]] == ["open", "over", "over"]
    assert {len(period["period"]) for period in periods[3:]} == {4}
    assert periods[0]["from"] == periods[1]["to"]
    assert periods[0]["period"] in call("period", "list", RESIDENCE).stdout
    shown = call("period", "show", "2020-01").stdout
    assert "period 2020-01: 2019-12-21 to 2020-01-20, over" in shown
    assert "before  2020-01-21 00:00:00" in shown
    assert call_json("period", "show", "2020-01")["to"] == "2020-01-20T16:00:00Z"
    assert "to come" in call("period", "show", "9000").stdout
