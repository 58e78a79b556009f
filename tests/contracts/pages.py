"""The project's Markdown pages, taken apart as far as tests need it."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "integrators-guide.md"
ARCHITECTURE = ROOT / "docs" / "architecture.md"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"(?:#|//) (\S+\.\w+): ")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code: its language, the file name in its first line where it has one, and its text."""

    language: str
    name: str | None
    text: str


@cache
def pages() -> tuple[Path, ...]:
    """Every page that readers are given."""
    return (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "deploy" / "README.md")


def blocks(page: Path) -> list[Block]:
    """The blocks of code of a page."""
    found = _BLOCK.findall(page.read_text("utf-8"))
    return [Block(language, match[1] if (match := _NAMED.match(text)) else None, text) for language, text in found]


def programs(page: Path) -> dict[str, str]:
    """The complete programs of a page, by the file name in their first line."""
    return {block.name: block.text for block in blocks(page) if block.name is not None}


def table(page: Path, *heading: str) -> list[list[str]]:
    """The rows of the first table whose heading begins with these cells, as text without backticks."""
    rows: list[list[str]] = []
    inside = False
    for line in page.read_text("utf-8").splitlines():
        cells = _cells(line) if line.startswith("|") else None
        if inside and cells is None:
            break
        if inside and cells is not None:
            rows.append(cells)
        inside = inside or (cells is not None and cells[: len(heading)] == list(heading))
    assert rows, f"{page.name} has no table with the heading {heading}"
    return rows[1:]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _BLOCK.sub("", page.read_text("utf-8"))


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "").replace("\\|", "|") for cell in _CELL.split(line.strip())[1:-1]]
