"""The circular as CSV: what a Chinese Excel makes of it, and what another program reads."""

import csv
import io
import re
import unicodedata
from dataclasses import replace

import pytest

from services.ledger.circular.csv_form import circular_csv
from services.ledger.circular.table import Circular, make_circular
from services.ledger.circular.words import WORDS, Language
from tests.unit.ledger.circulars import counted, entry, example, subject, total_of

# What Excel makes something else of when it opens a CSV, full-width characters being read like ASCII.
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_CONVERTED = re.compile(
    r"""
    [-+]?[0-9.,]+\s*(%|e[-+]?[0-9]+)?          # numbers, per cents, 1e5
    | [0-9]+\s*[-/.]\s*[0-9]+(\s*[-/.]\s*[0-9]+)?  # 3/4, 2026-11, 1.2.3
    | [0-9]{4}年([0-9]+月([0-9]+日)?)? | [0-9]+月([0-9]+日)?
    | [0-9]+:[0-9]+(:[0-9]+)?
    | true | false
    | [-=+@].*                                  # formulas
    """,
    re.VERBOSE | re.IGNORECASE,
)


@pytest.mark.parametrize("language", Language)
def test_the_file_has_a_byte_order_mark_crlf_and_its_header_first(language: Language) -> None:
    content = circular_csv(example(), language)

    assert content.startswith(b"\xef\xbb\xbf")
    assert content.endswith(b"\r\n")
    assert content.count(b"\n") == content.count(b"\r\n") == 1 + len(example().rows) + 2
    words = WORDS[language]
    assert _rows(content)[0] == [*words.columns.values(), *words.context.values()]


def test_every_row_has_the_figures_of_the_table_and_the_last_is_the_total() -> None:
    first, *_ = lines = _dictionaries(example(), Language.EN)

    assert first["Code"] == "4101"
    assert [first[key] for key in ("Rank", "Received", "Answered", "Fraction")] == ["1", "714", "713", "713∕714"]
    assert [first[key] for key in ("Feedback rate (%)", "Substantive", "Substantive rate (%)")] == [
        "99.86",
        "700",
        "98.04",
    ]
    assert [first[key] for key in ("Change (percentage points)", "Target (%)", "Target met")] == [
        "+1.29",
        "95.00",
        "met",
    ]
    assert [line["Code"] for line in lines[:-2]] == [row.code for row in example().rows]
    assert lines[-2]["Jurisdiction"] == "Scope itself and others"
    assert [lines[-1][key] for key in ("Rank", "Code", "Jurisdiction")] == ["–", "41", "Total"]
    assert sum(int(line["Received"]) for line in lines[:-1]) == int(lines[-1]["Received"])


def test_every_row_says_of_which_days_how_final_and_as_of_when() -> None:
    for line in _dictionaries(example(), Language.ZH):
        assert (line["统计起始日"], line["统计截止日"]) == ("2026-10-21", "2026-11-20")
        assert line["数据状态"] == "正式数据（统计周期已封账）"
        assert line["数据截至"] == "2026-11-28 00:00:00+08:00"


def test_who_received_nothing_has_dashes() -> None:
    line = next(line for line in _dictionaries(example(), Language.ZH) if line["行政区划代码"] == "4105")

    assert [line[key] for key in ("排名", "反馈率(%)", "按期反馈率(%)", "较上期(百分点)", "是否达标")] == ["–"] * 5
    assert line["反馈数/接收数"] == "0∕0"


@pytest.mark.parametrize("language", Language)
def test_excel_converts_nothing_but_numbers_and_days(language: Language) -> None:
    fractions = [
        entry(f"4101{number:02}", part, whole) for number, (part, whole) in enumerate([(3, 4), (1, 12), (714, 714)])
    ]
    header, *rows = _rows(circular_csv(make_circular(subject(), fractions, total_of(fractions)), language))

    converted = {header[index] for row in rows for index, cell in enumerate(row) if _excel_converts(cell)}
    words = WORDS[language].columns
    texts = {words["name"], words["fraction"], words["met"], *WORDS[language].context.values()}
    days = {WORDS[language].context["first_day"], WORDS[language].context["last_day"]}
    assert converted & texts == days
    numbers = [cell for row in rows for cell in row if _NUMBER.fullmatch(cell)]
    # Up to 11 digits Excel shows a number in full, and only zeros before it would be lost.
    assert all(len(cell) <= 11 and not re.match(r"[+-]?0[0-9]", cell) for cell in numbers)


@pytest.mark.parametrize("text", ["3/4", "2026-11", "2026年11月", "1:2", "=1", "＝1", "7e1", "3／4"])
def test_what_excel_would_convert_would_be_found(text: str) -> None:
    assert _excel_converts(text)


@pytest.mark.parametrize(
    "name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "＝1", "＋1", "－1", "＠1", "\t=1", "\r=1", '=cmd|"/c calc"!A0']
)
def test_a_name_is_never_calculated(name: str) -> None:
    listed = [entry("410101", 1, 1, name)]
    (line, *_) = _dictionaries(make_circular(subject(), listed, total_of(listed)), Language.ZH)

    assert line["行政区划"] == f"'{name}"


def test_a_code_keeps_its_zeros() -> None:
    listed = [entry("010203", 1, 1), entry("410102001", 1, 1)]
    lines = _dictionaries(make_circular(subject(), listed, total_of(listed)), Language.ZH)

    assert [line["行政区划代码"] for line in lines] == ["'010203", "410102001", "41"]


def test_names_with_commas_quotes_and_line_ends_are_read_back_as_they_are() -> None:
    name = '某区, "甲"\n乙'
    listed = [replace(entry("410101", 1, 1, name), before=counted(1, 1))]
    (line, *_) = _dictionaries(make_circular(subject(), listed, total_of(listed)), Language.EN)

    assert line["Jurisdiction"] == name
    assert line["Change (percentage points)"] == "0.00"


def _excel_converts(cell: str) -> bool:
    return _CONVERTED.fullmatch(unicodedata.normalize("NFKC", cell)) is not None


def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def _dictionaries(circular: Circular, language: Language) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(circular_csv(circular, language).decode("utf-8-sig"), newline="")))
