"""The circular as one HTML page to read and to print. It asks no host for anything and runs no script."""

from html import escape

from services.ledger.circular import heading
from services.ledger.circular.columns import COLUMNS, Column, Sort, lines_below, text
from services.ledger.circular.table import Circular, CircularRow
from services.ledger.circular.words import WORDS, Language

# The page is handed on as a single file, so its style stands in it.
_STYLE = """
  :root { color-scheme: light; }
  body { margin: 2rem auto; max-width: 78rem; padding: 0 1.5rem; color: #1c1f23; background: #fff;
    font: 15px/1.6 "Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei",
      SimHei, sans-serif; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
  caption { padding-bottom: 1rem; text-align: left; }
  h1 { margin: 0 0 .6rem; font-size: 1.6rem; font-weight: 600; text-align: center; }
  caption p { margin: 0; color: #4a5058; font-size: .9rem; }
  th, td { padding: .35rem .5rem; border: 1px solid #c9ced6; }
  thead th { background: #e9edf3; font-size: .85rem; font-weight: 600; line-height: 1.35; text-align: center;
    vertical-align: middle; word-break: keep-all; }
  tbody th { font-weight: 400; text-align: left; }
  td { text-align: center; white-space: nowrap; }
  td.number { text-align: right; }
  tbody tr:nth-child(even) { background: #f7f8fa; }
  td.rate { font-weight: 600; }
  td.not-met { color: #a3161c; font-weight: 600; }
  tfoot { border-top: 2px solid #4a5058; background: #f1f3f6; }
  tfoot th { text-align: left; font-weight: 600; }
  .note { margin-top: 1rem; color: #4a5058; font-size: .85rem; }
  @page { size: A4 landscape; margin: 12mm 10mm; }
  @media print {
    body { margin: 0; max-width: none; padding: 0; font-size: 8pt; line-height: 1.35; }
    .scroll { overflow: visible; }
    h1 { font-size: 15pt; }
    th, td { padding: .8mm .9mm; }
    thead th { font-size: 7.5pt; }
    thead { display: table-header-group; }
    /* Otherwise the total would be repeated below every page. */
    tfoot { display: table-row-group; }
    tr { break-inside: avoid; }
    thead th, tbody tr:nth-child(even), tfoot { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  }
"""


def circular_html(circular: Circular, language: Language) -> bytes:
    """UTF-8, a whole document."""
    words = WORDS[language]
    title = escape(heading.title(circular.subject, language))
    above = "\n".join(f"      <p>{escape(line)}</p>" for line in heading.lines(circular.subject, language))
    headings = "".join(f'<th scope="col">{escape(words.columns[column.name])}</th>' for column in COLUMNS)
    rows = "\n".join(_row(row, language) for row in circular.rows)
    below = "\n".join(_row(row, language) for row in lines_below(circular, language))
    return f"""<!DOCTYPE html>
<html lang="{language}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <style>{_STYLE}  </style>
</head>
<body>
  <div class="scroll">
  <table>
    <caption>
      <h1>{title}</h1>
{above}
    </caption>
    <thead>
      <tr>{headings}</tr>
    </thead>
    <tbody>
{rows}
    </tbody>
    <tfoot>
{below}
    </tfoot>
  </table>
  </div>
  <p class="note">{escape(words.note)}</p>
</body>
</html>
""".encode()


def _row(row: CircularRow, language: Language) -> str:
    return f"      <tr>{''.join(_cell(column, row, language) for column in COLUMNS)}</tr>"


def _cell(column: Column, row: CircularRow, language: Language) -> str:
    shown = escape(_text(column, row, language))
    if column.name == "name":
        return f'<th scope="row">{shown}</th>'
    names = " ".join(_classes(column, row))
    return f'<td class="{names}">{shown}</td>' if names else f"<td>{shown}</td>"


def _text(column: Column, row: CircularRow, language: Language) -> str:
    value = column.value(row)
    return f"{value:,}" if column.sort is Sort.COUNT and value is not None else text(column, row, language)


def _classes(column: Column, row: CircularRow) -> list[str]:
    classes = ["number"] if column.compared else []
    if column.name == "rate":
        classes.append("rate")
    if column.sort is Sort.VERDICT and column.value(row) is False:
        classes.append("not-met")
    return classes
