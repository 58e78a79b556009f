"""The circular as a workbook, read with a library that did not write it."""

import io
from dataclasses import replace
from decimal import Decimal
from zipfile import ZipFile

import openpyxl
import pytest
from openpyxl.cell import Cell
from openpyxl.worksheet.worksheet import Worksheet

from services.ledger.circular import heading
from services.ledger.circular.columns import COLUMNS, lines_below, text
from services.ledger.circular.forms import Form, file_name, written
from services.ledger.circular.table import Circular, make_circular
from services.ledger.circular.words import WORDS, Language
from services.ledger.circular.xlsx_form import circular_xlsx
from tests.unit.ledger.circulars import entry, example, subject, total_of

_HEADER = 7
_NAMES: list[str] = [column.name for column in COLUMNS]


@pytest.mark.parametrize("language", Language)
def test_the_sheet_holds_the_title_the_moment_and_the_headings(language: Language) -> None:
    sheet = _sheet(example(), language)

    assert sheet.title == WORDS[language].sheet
    assert sheet["A1"].value == heading.title(subject(), language)
    assert [sheet.cell(row, 1).value for row in range(2, _HEADER)] == heading.lines(subject(), language)
    assert [cell.value for cell in sheet[_HEADER]] == list(WORDS[language].columns.values())
    assert sheet.cell(sheet.max_row, 1).value == WORDS[language].note


@pytest.mark.parametrize("language", Language)
def test_every_cell_is_the_tables_and_numbers_are_numbers(language: Language) -> None:
    circular = example()
    sheet = _sheet(circular, language)

    for position, row in enumerate([*circular.rows, *lines_below(circular, language)], start=_HEADER + 1):
        for index, column in enumerate(COLUMNS, start=1):
            cell, value = sheet.cell(position, index), column.value(row)
            if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
                assert cell.data_type == "n"
                assert Decimal(str(cell.value)) == value
            else:
                assert (cell.data_type, cell.value) == ("s", text(column, row, language))


def test_numbers_are_shown_with_their_decimals_and_a_change_with_its_sign() -> None:
    sheet = _sheet(example(), Language.ZH)
    formats = {name: _cell(sheet, _HEADER + 1, name).number_format for name in _NAMES}

    assert formats["received"] == "#,##0"
    assert formats["rate"] == formats["on_time_rate"] == formats["target"] == "0.00"
    assert formats["median_days"] == "0.0"
    assert formats["change"] == "+0.00;-0.00;0.00"
    assert formats["code"] == formats["fraction"] == "@"


def test_the_header_stays_in_sight_and_is_repeated_on_every_landscape_page() -> None:
    sheet = _sheet(example(), Language.ZH)

    assert sheet.freeze_panes == f"D{_HEADER + 1}"
    assert sheet.print_title_rows == f"${_HEADER}:${_HEADER}"
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.page_setup.paperSize == 9
    # One page wide is what a width that is not written means; 0 high is as many as it takes.
    assert sheet.sheet_properties.pageSetUpPr is not None
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (None, 0)
    assert sheet.oddFooter is not None
    assert str(sheet.oddFooter.center.text).endswith("第 &P 页，共 &N 页")
    assert sheet.auto_filter.ref == f"A{_HEADER}:P{_HEADER + len(example().rows)}"


def test_a_column_is_wide_enough_for_chinese() -> None:
    name = "积石山保安族东乡族撒拉族"
    listed = [entry("622927", 1, 1, name)]
    sheet = _sheet(make_circular(subject(), listed, total_of(listed)), Language.ZH)

    assert sheet.column_dimensions["C"].width >= 2 * len(name)
    assert sheet.column_dimensions["B"].width >= len("行政区划代码")


def test_a_missed_target_is_said_in_words_and_not_by_colour_alone() -> None:
    sheet = _sheet(example(), Language.ZH)
    verdicts = [_cell(sheet, _HEADER + 1 + index, "met") for index in range(len(example().rows))]

    assert [cell.value for cell in verdicts] == ["达标", "–", "未达标", "达标", "未达标", "–"]
    colours = {cell.value: cell.font.color.rgb if cell.font.color else None for cell in verdicts}
    assert colours["未达标"] != colours["达标"]


@pytest.mark.parametrize("name", ["=1+1", "http://example.org", "0123", "{=1}", "<b>&amp;"])
def test_a_name_is_never_a_formula_a_link_or_a_number(name: str) -> None:
    listed = [entry("010203", 1, 1, name)]
    sheet = _sheet(make_circular(subject(), listed, total_of(listed)), Language.ZH)

    cell = _cell(sheet, _HEADER + 1, "name")
    assert (cell.data_type, cell.value, cell.hyperlink) == ("s", name, None)
    assert _cell(sheet, _HEADER + 1, "code").value == "010203"


def test_a_circular_without_rows_is_a_workbook_as_well() -> None:
    sheet = _sheet(make_circular(subject(), [], replace(total_of([]), code="", name="")), Language.EN)

    assert [sheet.cell(_HEADER + 1, index).value for index in (1, 2, 3)] == ["–", "–", "Total"]


def test_the_same_circular_gives_the_same_bytes_without_a_macro_or_a_link() -> None:
    content = circular_xlsx(example(), Language.ZH)

    assert content == circular_xlsx(example(), Language.ZH)
    parts = ZipFile(io.BytesIO(content)).namelist()
    assert not [part for part in parts if "vba" in part.lower() or "external" in part.lower()]


@pytest.mark.parametrize("form", Form)
def test_every_form_is_written_with_its_media_type_and_a_name_for_its_file(form: Form) -> None:
    assert written(example(), form, Language.ZH)
    assert "/" in form.media_type
    assert file_name(example(), form) == f"circular-41-2026-11.{form}"
    country = make_circular(replace(subject(), scope_code=""), [], total_of([]))
    assert file_name(country, form) == f"circular-2026-11.{form}"


def _sheet(circular: Circular, language: Language) -> Worksheet:
    workbook = openpyxl.load_workbook(io.BytesIO(circular_xlsx(circular, language)))
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    return sheet


def _cell(sheet: Worksheet, row: int, name: str) -> Cell:
    cell = sheet.cell(row, _NAMES.index(name) + 1)
    assert isinstance(cell, Cell)
    return cell
