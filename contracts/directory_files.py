"""The directory's files: CSV in UTF-8 whose header says what they hold. Reading is pure; every error names its line.

- `code,name,level,parent`: a table of jurisdictions, complete for every level it contains.
- `year,change,old_code,old_name,new_code,new_name,document`: changes, in addition to those already known.
"""

import csv
import io
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from contracts.changes import Change
from contracts.directory import LEVEL_DIGITS, Jurisdiction, Level

DIVISION_COLUMNS = ("code", "name", "level", "parent")
CHANGE_COLUMNS = ("year", "change", "old_code", "old_name", "new_code", "new_name", "document")
_LEVELS: Mapping[str, Level] = {level: level for level in LEVEL_DIGITS}
_LONGEST_TEXT = 500
# Control characters, surrogates, and the separators of lines and paragraphs.
_CONTROL = ("Cc", "Cs", "Zl", "Zp")
_Key = TypeVar("_Key", str, tuple[str, ...])


class DirectoryError(ValueError):
    """A directory file that cannot be taken: `file`, `line` (the header is line 1) and the `reason`."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DivisionFile:
    """A table of jurisdictions as read, each with its line."""

    name: str
    rows: tuple[tuple[int, Jurisdiction], ...]

    @property
    def levels(self) -> frozenset[Level]:
        """The levels that this table is complete for."""
        return frozenset(jurisdiction.level for _, jurisdiction in self.rows)


@dataclass(frozen=True, slots=True)
class ChangeFile:
    """A table of changes as read, each with its line."""

    name: str
    rows: tuple[tuple[int, Change], ...]


@dataclass(frozen=True, slots=True)
class EditionPlan:
    """What taking a set of files changes in the current jurisdictions, and the changes they name, in file order."""

    added: tuple[Jurisdiction, ...]
    changed: tuple[Jurisdiction, ...]
    retired: tuple[str, ...]
    changes: tuple[Change, ...]


def parse_file(name: str, content: bytes) -> DivisionFile | ChangeFile:
    """Read a file as what its header says it is; raises DirectoryError."""
    lines = _decode(name, content)
    header = tuple(column.strip() for column in next(csv.reader(lines[:1]), []))
    if header == DIVISION_COLUMNS:
        return parse_divisions(name, lines)
    if header == CHANGE_COLUMNS:
        return parse_changes(name, lines)
    raise DirectoryError(
        name, 1, f"the header must be {','.join(DIVISION_COLUMNS)} or {','.join(CHANGE_COLUMNS)}, it is {lines[:1]}"
    )


def parse_divisions(name: str, lines: Sequence[str]) -> DivisionFile:
    """Read a table of jurisdictions, header included; raises DirectoryError.

    Whether the parents exist can only be said over all files: `plan_edition` does.
    """
    seen: dict[str, int] = {}
    rows = []
    for line, fields in _records(name, lines, len(DIVISION_COLUMNS)):
        jurisdiction = _jurisdiction(name, line, fields)
        _refuse_twice(name, line, f"the code {jurisdiction.code}", jurisdiction.code, seen)
        rows.append((line, jurisdiction))
    return DivisionFile(name, tuple(rows))


def parse_changes(name: str, lines: Sequence[str]) -> ChangeFile:
    """Read a table of changes, header included; raises DirectoryError."""
    seen: dict[tuple[str, ...], int] = {}
    rows = []
    for line, fields in _records(name, lines, len(CHANGE_COLUMNS)):
        # The document only cites; two rows that differ in nothing else are one change.
        _refuse_twice(name, line, "this change", tuple(fields[:-1]), seen)
        rows.append((line, _change(name, line, fields)))
    return ChangeFile(name, tuple(rows))


def plan_edition(current: Mapping[str, Jurisdiction], files: Iterable[DivisionFile | ChangeFile]) -> EditionPlan:
    """What the files change in the `current` jurisdictions; raises DirectoryError for a code in two files or a parent
    that would not be current.

    A jurisdiction that the files say nothing about retires with its parent: townships with their county.
    """
    files = tuple(files)
    tables = [file for file in files if isinstance(file, DivisionFile)]
    levels = {level for table in tables for level in table.levels}
    after = {code: jurisdiction for code, jurisdiction in current.items() if jurisdiction.level not in levels}
    after |= _merged(tables)
    _refuse_broken_parents(tables, after)
    after = _without_orphans(after)
    return EditionPlan(
        added=tuple(jurisdiction for code, jurisdiction in after.items() if code not in current),
        changed=tuple(
            jurisdiction for code, jurisdiction in after.items() if code in current and current[code] != jurisdiction
        ),
        retired=tuple(code for code in current if code not in after),
        changes=tuple(change for file in files if isinstance(file, ChangeFile) for _, change in file.rows),
    )


def _merged(tables: Iterable[DivisionFile]) -> dict[str, Jurisdiction]:
    merged: dict[str, Jurisdiction] = {}
    for table in tables:
        for line, jurisdiction in table.rows:
            if jurisdiction.code in merged:
                raise DirectoryError(table.name, line, f"the code {jurisdiction.code} is in another of the files too")
            merged[jurisdiction.code] = jurisdiction
    return merged


def _refuse_broken_parents(tables: Iterable[DivisionFile], after: Collection[str]) -> None:
    for table in tables:
        for line, jurisdiction in table.rows:
            if jurisdiction.parent is not None and jurisdiction.parent not in after:
                reason = f"the parent {jurisdiction.parent} of {jurisdiction.code} is neither in the files nor current"
                raise DirectoryError(table.name, line, reason)


def _without_orphans(after: Mapping[str, Jurisdiction]) -> dict[str, Jurisdiction]:
    kept: dict[str, Jurisdiction] = {}
    # Parents have shorter codes than their children, so each is decided before its children are.
    for jurisdiction in sorted(after.values(), key=lambda jurisdiction: len(jurisdiction.code)):
        if jurisdiction.parent is None or jurisdiction.parent in kept:
            kept[jurisdiction.code] = jurisdiction
    return kept


def _decode(name: str, content: bytes) -> list[str]:
    try:
        return list(io.StringIO(content.decode("utf-8-sig"), newline=""))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DirectoryError(name, line, "this is not UTF-8: save the file as CSV UTF-8") from error


def _records(name: str, lines: Sequence[str], width: int) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, strict=True)
    try:
        next(reader, None)
        for fields in reader:
            if len(fields) != width:
                raise DirectoryError(name, reader.line_num, f"expected {width} fields, found {len(fields)}")
            yield reader.line_num, [_text(name, reader.line_num, field) for field in fields]
    except csv.Error as error:
        raise DirectoryError(name, reader.line_num, f"this is not CSV: {error}") from error
    if reader.line_num <= 1:
        raise DirectoryError(name, 1, "the file has no rows below its header")


def _text(name: str, line: int, field: str) -> str:
    # Not `isprintable`, because names hold characters newer than the interpreter's tables (下𱳪镇, Unicode 15).
    if any(unicodedata.category(character) in _CONTROL for character in field):
        raise DirectoryError(name, line, "a field holds a line break or another control character")
    if len(field) > _LONGEST_TEXT:
        raise DirectoryError(name, line, f"a field is longer than {_LONGEST_TEXT} characters")
    return field.strip()


def _jurisdiction(name: str, line: int, fields: Sequence[str]) -> Jurisdiction:
    code, jurisdiction_name, level_text, parent = fields
    level = _LEVELS.get(level_text)
    if level is None:
        raise DirectoryError(name, line, f"the level {level_text!r} is none of {', '.join(LEVEL_DIGITS)}")
    if not _is_digits(code) or len(code) != LEVEL_DIGITS[level]:
        raise DirectoryError(name, line, f"the code {code!r} of a {level} must have {LEVEL_DIGITS[level]} digits")
    if not jurisdiction_name:
        raise DirectoryError(name, line, f"the code {code} has no name")
    if level == "province" and parent:
        raise DirectoryError(name, line, f"the province {code} must have no parent, it has {parent!r}")
    if level != "province" and not _may_be_parent(parent, code):
        raise DirectoryError(name, line, f"the parent {parent!r} of {code} must be the code of a level above it")
    return Jurisdiction(code, jurisdiction_name, level, parent or None)


def _change(name: str, line: int, fields: Sequence[str]) -> Change:
    year, change, old_code, old_name, new_code, new_name, document = fields
    if not _is_digits(year) or len(year) != 4:
        raise DirectoryError(name, line, f"the year {year!r} must have four digits")
    if not change:
        raise DirectoryError(name, line, "the kind of change is missing")
    for code in (old_code, new_code):
        if code and (not _is_digits(code) or len(code) not in LEVEL_DIGITS.values()):
            raise DirectoryError(name, line, f"the code {code!r} must have 2, 4, 6 or 9 digits")
    return Change(int(year), change, old_code or None, old_name, new_code or None, new_name, document)


def _refuse_twice(name: str, line: int, what: str, key: _Key, seen: dict[_Key, int]) -> None:
    if key in seen:
        raise DirectoryError(name, line, f"{what} is already in line {seen[key]}")
    seen[key] = line


def _may_be_parent(parent: str, code: str) -> bool:
    return _is_digits(parent) and len(parent) in LEVEL_DIGITS.values() and parent != code and code.startswith(parent)


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
