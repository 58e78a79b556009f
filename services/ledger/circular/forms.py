"""The forms a circular is handed out in, with what a download of each is called."""

from enum import StrEnum
from typing import assert_never

from services.ledger.circular.csv_form import circular_csv
from services.ledger.circular.html_form import circular_html
from services.ledger.circular.json_form import circular_json
from services.ledger.circular.table import Circular
from services.ledger.circular.words import Language
from services.ledger.circular.xlsx_form import circular_xlsx


class Form(StrEnum):
    """A form; its value is also the ending of a file's name."""

    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    HTML = "html"

    @property
    def media_type(self) -> str:
        """The value of `Content-Type`."""
        match self:
            case Form.XLSX:
                return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            case Form.CSV:
                return "text/csv; charset=utf-8"
            case Form.JSON:
                return "application/json"
            case Form.HTML:
                return "text/html; charset=utf-8"
            case _:
                assert_never(self)


def written(circular: Circular, form: Form, language: Language) -> bytes:
    """The circular in a form. JSON is the same in every language."""
    match form:
        case Form.XLSX:
            return circular_xlsx(circular, language)
        case Form.CSV:
            return circular_csv(circular, language)
        case Form.JSON:
            return circular_json(circular)
        case Form.HTML:
            return circular_html(circular, language)
        case _:
            assert_never(form)


def file_name(circular: Circular, form: Form) -> str:
    """A name for the file in plain ASCII: `circular-41-2026-11.xlsx`."""
    subject = circular.subject
    return "-".join(["circular", *filter(None, [subject.scope_code, subject.period])]) + f".{form}"
