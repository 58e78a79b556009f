"""`huizhi directory show` and `resolve` with --year, over the carried directory."""

import json

import pytest
from typer.testing import CliRunner

from contracts.data import carried_files
from contracts.directory import Directory
from contracts.directory_files import parse_file, plan_edition
from services.cli import directory
from services.cli.errors import CommandError


@pytest.fixture(scope="module")
def carried() -> Directory:
    plan = plan_edition({}, [parse_file(name, content) for name, content in carried_files()])
    return Directory.of(plan.added, plan.changes)


@pytest.fixture(autouse=True)
def database(carried: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "on_database", lambda _data, _work: carried)


def said(*words: str) -> str:
    result = CliRunner().invoke(directory.app, list(words))
    if isinstance(result.exception, CommandError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("code", "year", "line"),
    [
        (
            "142121",
            "1981",
            "142121 in 1981: 大同县, which is 140215 today: 山西省大同市云州区 (142121 → 142132 → 140227 → 140215)",
        ),
        (
            "140227.health",
            "2017",
            "140227.health in 2017: 大同县, which is 140215.health today: 山西省大同市云州区 (140227 → 140215)",
        ),
        ("142121", "1982", "142121 in 1982: 阳高县, which is 140221 today: 山西省大同市阳高县 (142121 → 140221)"),
        ("450405", "1983", "450405 in 1983: 鸳江区, which leads to no current code; it cannot be written to"),
        ("440111", "1986", "440111 in 1986: 郊区, which has the code today: 广东省广州市白云区"),
        ("410102", "2026", "410102 in 2026: 中原区, which has the code today: 河南省郑州市中原区"),
        ("999999", "1981", "999999 is and was no code of the directory; messages to it are refused"),
    ],
)
def test_resolve_says_what_the_code_was_and_is(code: str, year: str, line: str) -> None:
    assert said("resolve", code, "--year", year) == line


def test_resolve_gives_a_resolution_as_json() -> None:
    assert json.loads(said("resolve", "142121", "--year", "1981", "--json")) == {
        "address": "140215",
        "status": "successor",
        "path": ["142121", "142132", "140227", "140215"],
    }


def test_show_says_the_name_then_and_the_changes_since() -> None:
    assert said("show", "142121", "--year", "1981").splitlines()[1:] == [
        "changed  1982 码位改派: 142121 大同县 → 142121 阳高县",
        "changed  1993 同名改码: 142121 阳高县 → 140221 阳高县",
    ]
    assert "changed  1982" not in said("show", "142121", "--year", "1982")
    shown = json.loads(said("show", "142121", "--year", "1982", "--json"))
    assert (shown["year"], shown["name_then"], shown["current"]) == (1982, "阳高县", "140221")
    assert [change["year"] for change in shown["changes_since"]] == [1993]
    assert len(shown["changes"]) == 2


@pytest.mark.parametrize("command", ["show", "resolve"])
@pytest.mark.parametrize("year", ["1979", "9999", "0", "-3"])
def test_an_impossible_year_is_refused_with_the_years_that_are_possible(command: str, year: str) -> None:
    with pytest.raises(CommandError, match=f"{year} cannot be the year .* from 1980 on, and this is 20"):
        said(command, "142121", "--year", year)


def test_a_year_that_is_no_number_is_refused() -> None:
    result = CliRunner().invoke(directory.app, ["resolve", "142121", "--year", "乾隆"])
    assert result.exit_code == 2
