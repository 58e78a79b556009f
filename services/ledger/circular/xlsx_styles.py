"""How the cells of the workbook look: formats by what a column holds, so that a sheet has one of each and no more."""

from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format

from services.ledger.circular.columns import Column, Sort

_NUMBER_FORMATS = {
    Sort.RANK: "0",
    Sort.COUNT: "#,##0",
    Sort.RATE: "0.00",
    Sort.DAYS: "0.0",
    Sort.CHANGE: "+0.00;-0.00;0.00",
}
# Text remains text also where somebody edits the cell.
_TEXT_FORMAT = "@"
# Every Windows has these two under these names, in whatever language it runs.
_BODY_FONT, _TITLE_FONT = "SimSun", "SimHei"
_LINE, _SHADE, _WARNING = "#A6ACB5", "#E9EDF3", "#A3161C"


class Styles:
    """The formats of one workbook."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._cells: dict[tuple[Column, bool, bool], Format] = {}
        self.title = self._format(font_name=_TITLE_FONT, font_size=16, align="center")
        self.line = self._format(font_size=10)
        self.note = self._format(font_size=9, text_wrap=True, valign="top")
        self.heading = self._format(
            font_name=_TITLE_FONT, font_size=10, align="center", text_wrap=True, border=1, bg_color=_SHADE
        )

    def cell(self, column: Column, *, below: bool, warning: bool) -> Format:
        """The format of a column's cells, in the ranked rows or in the lines ``below`` them; red for a ``warning``,
        which the cell's text says as well.
        """
        key = (column, below, warning)
        if key not in self._cells:
            self._cells[key] = self._format(
                font_size=10,
                border=1,
                align="left" if column.name == "name" else "right" if column.compared else "center",
                num_format=_NUMBER_FORMATS.get(column.sort, _TEXT_FORMAT),
                bold=below or warning or column.name == "rate",
                **({"indent": 1, "shrink": True} if column.name == "name" else {}),
                **({"bg_color": _SHADE} if below else {}),
                **({"font_color": _WARNING} if warning else {}),
            )
        return self._cells[key]

    def _format(self, **properties: Any) -> Format:
        common = {"font_name": _BODY_FONT, "valign": "vcenter", "border_color": _LINE}
        return self._workbook.add_format(common | properties)
