"""The circular as an Excel workbook: numbers that calculate, a header that stays in sight, pages to print."""

import io
from collections.abc import Sequence
from datetime import UTC
from decimal import Decimal
from textwrap import wrap
from unicodedata import east_asian_width

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from services.ledger.circular import heading
from services.ledger.circular.columns import COLUMNS, Column, Sort, lines_below, text
from services.ledger.circular.table import Circular, CircularRow, Subject
from services.ledger.circular.words import WORDS, Language
from services.ledger.circular.xlsx_styles import Styles

# What a name begins with must never make it a formula or a link.
_OPTIONS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_LAST = len(COLUMNS) - 1
_COLUMNS_KEPT_IN_SIGHT = next(index for index, column in enumerate(COLUMNS) if column.name == "name") + 1
_A4 = 9
# Widths are in characters of Latin script, of which a Chinese one fills two. What is wider than the widest is shrunk.
_MARGIN, _NARROWEST, _WIDEST = 2, 6, 26
# A longer heading is broken into lines: a Latin one between words, a Chinese one anywhere.
_HEADING_WIDTH = 8
_LINE_HEIGHT, _ROW_HEIGHT = 14.5, 18


def circular_xlsx(circular: Circular, language: Language) -> bytes:
    """An Office Open XML workbook with one sheet; the same circular always gives the same bytes."""
    file = io.BytesIO()
    below = lines_below(circular, language)
    with Workbook(file, _OPTIONS) as workbook:
        workbook.set_properties(_properties(circular.subject, language))
        sheet = workbook.add_worksheet(WORDS[language].sheet)
        sheet.set_default_row(_ROW_HEIGHT)
        styles = Styles(workbook)
        widths = _widths([*circular.rows, *below], language)
        header = _write_heading(sheet, styles, circular.subject, language)
        _write_header(sheet, styles, header, widths, language)
        last_ranked = _write_rows(sheet, styles, header + 1, circular.rows, language, below=False)
        last = _write_rows(sheet, styles, last_ranked + 1, below, language, below=True)
        _write_note(sheet, styles, last + 2, sum(widths), language)
        sheet.autofilter(header, 0, max(last_ranked, header), _LAST)
        _set_up_page(sheet, header, language)
    return file.getvalue()


def _properties(subject: Subject, language: Language) -> dict[str, object]:
    # Workbooks hold naive moments, which Excel takes for UTC.
    created = subject.generated_at.astimezone(UTC).replace(tzinfo=None)
    return {"title": heading.title(subject, language), "created": created}


def _write_heading(sheet: Worksheet, styles: Styles, subject: Subject, language: Language) -> int:
    """Write the title and the lines below it; the row that comes next."""
    sheet.merge_range(0, 0, 0, _LAST, heading.title(subject, language), styles.title)
    sheet.set_row(0, 30)
    lines = heading.lines(subject, language)
    for row, line in enumerate(lines, start=1):
        sheet.write_string(row, 0, line, styles.line)
    return len(lines) + 1


def _write_header(sheet: Worksheet, styles: Styles, header: int, widths: list[int], language: Language) -> None:
    headings = [WORDS[language].columns[column.name] for column in COLUMNS]
    most_lines = max(_lines(name, width - _MARGIN) for name, width in zip(headings, widths, strict=True))
    sheet.set_row(header, _LINE_HEIGHT * most_lines + 6)
    for index, (name, width) in enumerate(zip(headings, widths, strict=True)):
        sheet.set_column(index, index, width)
        sheet.write_string(header, index, name, styles.heading)


def _write_rows(
    sheet: Worksheet, styles: Styles, first: int, rows: Sequence[CircularRow], language: Language, *, below: bool
) -> int:
    """Write lines of the table from the row ``first`` on; the row of the last one."""
    for position, row in enumerate(rows, start=first):
        for index, column in enumerate(COLUMNS):
            value = column.value(row)
            style = styles.cell(column, below=below, warning=column.sort is Sort.VERDICT and value is False)
            if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
                sheet.write_number(position, index, float(value), style)
            else:
                sheet.write_string(position, index, text(column, row, language), style)
    return first + len(rows) - 1


def _write_note(sheet: Worksheet, styles: Styles, row: int, width: int, language: Language) -> None:
    note = WORDS[language].note
    sheet.merge_range(row, 0, row, _LAST, note, styles.note)
    sheet.set_row(row, _LINE_HEIGHT * (_width(note) // width + 2))


def _set_up_page(sheet: Worksheet, header: int, language: Language) -> None:
    sheet.freeze_panes(header + 1, _COLUMNS_KEPT_IN_SIGHT)
    # Codes are text on purpose, and need no green corner that offers to make numbers of them.
    sheet.ignore_errors({"number_stored_as_text": f"A1:{chr(ord('A') + _LAST)}1048576"})
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    # One page wide, and as many long as it takes.
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(header)
    sheet.center_horizontally()
    sheet.set_footer("&C&9" + WORDS[language].page.format(page="&P", pages="&N"))


def _widths(rows: Sequence[CircularRow], language: Language) -> list[int]:
    return [_column_width(column, rows, language) for column in COLUMNS]


def _column_width(column: Column, rows: Sequence[CircularRow], language: Language) -> int:
    name = WORDS[language].columns[column.name]
    longest_word = max(len(word) for word in name.split()) if name.isascii() else 0
    heading_width = max(min(_width(name), _HEADING_WIDTH), longest_word)
    widest = max([heading_width, *(_width(text(column, row, language)) for row in rows)])
    return max(_NARROWEST, min(widest, _WIDEST)) + _MARGIN


def _lines(name: str, width: int) -> int:
    return len(wrap(name, width)) if name.isascii() else -(-_width(name) // width)


def _width(shown: str) -> int:
    return sum(2 if east_asian_width(character) in "WFA" else 1 for character in shown)
