"""The circular's columns: for each its name, how its values are to be read, and where a row has them.

CSV, XLSX and HTML show the same columns in the same order; they differ in how a value is written down.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto

from contracts.rates import NO_RATE
from services.ledger.circular.table import Circular, CircularRow, signed
from services.ledger.circular.words import WORDS, ColumnName, Language

Value = str | int | Decimal | bool | None


class Sort(Enum):
    """How a column's values are to be read."""

    TEXT = auto()
    FRACTION = auto()
    RANK = auto()
    COUNT = auto()
    RATE = auto()
    """Per cent, two decimals."""
    DAYS = auto()
    """Days, one decimal."""
    CHANGE = auto()
    """Percentage points, two decimals, with their sign."""
    VERDICT = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the name under which ``words`` has its heading, its sort, and its value in a row."""

    name: ColumnName
    sort: Sort
    value: Callable[[CircularRow], Value]

    @property
    def compared(self) -> bool:
        """Whether its values are compared down the column digit by digit, and so stand at its right edge."""
        return self.sort not in (Sort.RANK, Sort.TEXT, Sort.VERDICT)


COLUMNS = (
    Column("rank", Sort.RANK, lambda row: row.rank),
    Column("code", Sort.TEXT, lambda row: row.code),
    Column("name", Sort.TEXT, lambda row: row.name),
    Column("received", Sort.COUNT, lambda row: row.figures.received),
    Column("answered", Sort.COUNT, lambda row: row.figures.answered),
    Column("fraction", Sort.FRACTION, lambda row: row.fraction),
    Column("rate", Sort.RATE, lambda row: row.rate),
    Column("unanswered", Sort.COUNT, lambda row: row.figures.unanswered),
    Column("on_time", Sort.COUNT, lambda row: row.figures.on_time),
    Column("on_time_rate", Sort.RATE, lambda row: row.on_time_rate),
    Column("substantive", Sort.COUNT, lambda row: row.substantive),
    Column("substantive_rate", Sort.RATE, lambda row: row.substantive_rate),
    Column("median_days", Sort.DAYS, lambda row: row.median_days),
    Column("change", Sort.CHANGE, lambda row: row.change),
    Column("target", Sort.RATE, lambda row: row.target),
    Column("met", Sort.VERDICT, lambda row: row.met),
)


def lines_below(circular: Circular, language: Language) -> list[CircularRow]:
    """The lines below the ranked rows, named in the language: the rest where there is one, and the total."""
    words = WORDS[language]
    rest = [] if circular.rest is None else [replace(circular.rest, name=words.rest)]
    return [*rest, replace(circular.total, name=words.total)]


def text(column: Column, row: CircularRow, language: Language) -> str:
    """The value as people read it; a dash where there is none."""
    value = column.value(row)
    if value is None or value == "":
        return NO_RATE
    if isinstance(value, bool):
        return WORDS[language].met[value]
    return signed(value) if isinstance(value, Decimal) and column.sort is Sort.CHANGE else str(value)
