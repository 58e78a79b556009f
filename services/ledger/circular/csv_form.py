"""The circular as CSV (RFC 4180) that a Chinese Excel opens rightly by a double click.

Excel takes a file without a byte order mark for GBK, reads `3/4` as the third of April and `2026-11` as a month, drops
the zeros before a number, and calculates whatever begins like a formula. The header is the first line, so that other
programs read the file as well; what the title says stands behind each row instead.
"""

import csv
import io
from collections.abc import Iterable

from services.ledger.circular import heading
from services.ledger.circular.columns import COLUMNS, Column, Sort, lines_below, text
from services.ledger.circular.table import Circular, CircularRow
from services.ledger.circular.words import WORDS, Language

_DIVISION_SLASH = "∕"
# A Chinese Excel also takes the full-width forms for the beginning of a formula.
_BEGINS_A_FORMULA = tuple("=+-@\t\r＝＋－＠")


def circular_csv(circular: Circular, language: Language) -> bytes:
    """UTF-8 with a byte order mark, lines ended by CRLF; the total is the last line."""
    words = WORDS[language]
    context = _context(circular, language)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([*(words.columns[column.name] for column in COLUMNS), *words.context.values()])
    for row in (*circular.rows, *lines_below(circular, language)):
        writer.writerow([*_cells(row, language), *context])
    return file.getvalue().encode("utf-8-sig")


def _cells(row: CircularRow, language: Language) -> Iterable[str]:
    return (_cell(column, text(column, row, language)) for column in COLUMNS)


def _cell(column: Column, shown: str) -> str:
    if column.sort is Sort.FRACTION:
        # The mathematical slash looks the same and is no separator of a date. The two counts have columns of their own.
        return shown.replace("/", _DIVISION_SLASH)
    return _harmless(shown) if column.sort is Sort.TEXT else shown


def _harmless(shown: str) -> str:
    """Text that Excel would calculate, or drop zeros of, behind an apostrophe."""
    loses_zeros = shown.isdigit() and shown.startswith("0")
    return f"'{shown}" if loses_zeros or shown.startswith(_BEGINS_A_FORMULA) else shown


def _context(circular: Circular, language: Language) -> list[str]:
    """What is true of the whole circular, in the order of the words' ``context``.

    Days and moments are written in full, in ISO 8601's order, which Excel reads as what they are; the offset behind a
    moment keeps it a text, and so keeps the offset.
    """
    subject, words = circular.subject, WORDS[language]
    first, last = heading.days(subject)
    return [
        first.isoformat(),
        last.isoformat(),
        heading.tier(subject, language),
        _harmless(heading.kind(subject, language)),
        words.codes[subject.codes],
        words.statuses[subject.status],
        subject.as_of.astimezone(subject.zone).isoformat(" ", "seconds"),
    ]
