"""`huizhi period close` and `export` on a running stack: through the broker to the log's writer, and files to keep."""

import csv
import json
from pathlib import Path

import httpx
import pytest
from openpyxl import load_workbook

from services.cli.client import ProblemAnsweredError
from services.cli.errors import CommandError
from tests.integration.cli.conftest import ORIGIN, RESIDENCE, RunningStack, call, call_json
from tests.integration.cli.test_figures import send_received

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("run")]


def test_a_month_is_closed_once_by_an_administrator_and_is_shown_as_closed(stack: RunningStack) -> None:
    closed = call_json("period", "close", "2020-03")
    assert (closed["state"], closed["closed_by"], closed["as_of"]) == (
        "closed",
        "administrator",
        "2020-03-27T16:00:00Z",
    )
    assert closed["closed"]["fraction"] == closed["present"]["fraction"] == "0/0"
    shown = call("period", "show", "2020-03").stdout
    for expected in ("2020-02-21 to 2020-03-20, closed", "cut-off 2020-03-28 00:00:00", "by administrator", "nothing"):
        assert expected in shown
    with pytest.raises(ProblemAnsweredError, match="closed by entry"):
        call("period", "close", "2020-03")
    url = f"{stack.addresses.ledger_url}/v1/periods/2020-04/close"
    token = stack.participants[ORIGIN].token
    answer = httpx.post(url, headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert answer.json()["type"] == "urn:huizhi:problem:forbidden"


def test_the_present_month_cannot_be_closed_yet_and_the_refusal_says_when() -> None:
    present = call_json("period", "list", "--count", 1)[0]
    with pytest.raises(ProblemAnsweredError, match=r"answers count for .* before"):
        call("period", "close", present["period"])
    with pytest.raises(ProblemAnsweredError, match="only months are closed"):
        call("period", "close", "2020")


def test_a_circular_is_exported_in_every_form(tmp_path: Path) -> None:
    send_received()
    told = call_json("rate", RESIDENCE[:4])
    scope = ("period", "export", told["period"], "--scope", RESIDENCE[:2])
    files = {form: tmp_path / f"circular.{form}" for form in ("xlsx", "csv", "json", "html")}
    for form, file in files.items():
        assert call(*scope, "--format", form, "--language", "en", "--out", file).stdout.strip() == str(file)
    rows = {row["Code"]: row for row in csv.DictReader(files["csv"].read_text("utf-8-sig").splitlines())}
    document = json.loads(files["json"].read_text("utf-8"))
    listed = {row["code"]: row for row in document["rows"]}
    assert listed[RESIDENCE[:4]]["fraction"] == told["fraction"] == rows[RESIDENCE[:4]]["Fraction"].replace("∕", "/")
    assert document["level"] == "prefecture"
    assert load_workbook(files["xlsx"]).worksheets[0].title == "Feedback rates"
    assert files["html"].read_text("utf-8").startswith("<!DOCTYPE html>")
    county = json.loads(call(*scope, "--level", "county", "--format", "json", "--out", "-").stdout)
    assert RESIDENCE in {row["code"] for row in county["rows"]}


def test_an_export_has_a_name_of_its_own_and_says_what_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written = call_json("period", "export", "2020-03", "--scope", "41", "--format", "csv")
    assert written == {
        "file": "circular-41-2020-03.csv",
        "bytes": (tmp_path / written["file"]).stat().st_size,
        "format": "csv",
    }
    with pytest.raises(CommandError, match="name another with --out"):
        call("period", "export", "2020-03", "--out", tmp_path / "nowhere" / "file.xlsx")


def test_a_rate_is_read_under_todays_codes() -> None:
    send_received()
    then, today = [call_json("rate", RESIDENCE[:2], "--codes", codes) for codes in ("then", "today")]
    assert then["tiers"] == today["tiers"]
    assert "read under today's codes" in call("rate", RESIDENCE, "--codes", "today").stdout
