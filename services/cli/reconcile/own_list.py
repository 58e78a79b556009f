"""Reads a participant's own list of its queries: CSV with the header `id,list` or `id,list,period`, or JSON lines with
members of these names.
"""

import csv
import io
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.listing_wire import ListName
from contracts.period import Calendar, PeriodError
from contracts.problems import echo

_COLUMNS = ("id", "list", "period")
_HEADERS = "id,list or id,list,period"


class OwnListError(ValueError):
    """The file is no such list; the text says in which line, and what stands there instead."""


@dataclass(frozen=True, slots=True)
class OwnItem:
    """A query on a list of the participant's. ``period`` is None where the file does not say one."""

    list: ListName
    id: str
    period: str | None
    line: int


def read_own_list(text: str, calendar: Calendar) -> list[OwnItem]:
    """The items of a file, in its order. Raises OwnListError."""
    items = []
    rows = _json_lines(text) if text.lstrip().startswith("{") else _csv(text)
    for line, row in rows:
        try:
            items.append(_item(row, line, calendar))
        except OwnListError as error:
            raise OwnListError(f"line {line}: {error}") from error
    return items


def _csv(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if not {"id", "list"} <= set(header) <= set(_COLUMNS) or len(set(header)) < len(header):
            raise OwnListError(f"line 1: the header is {_HEADERS}, not {echo(','.join(header))}")
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise OwnListError(f"line {reader.line_num}: {len(header)} values are expected, not {len(row)}")
            yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise OwnListError(f"line {reader.line_num}: {error}") from error


def _json_lines(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    # Not splitlines: JSON texts may hold characters that it takes for the end of a line.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise OwnListError(f"line {number}: it is not JSON") from error
        if not isinstance(row, dict) or not {"id", "list"} <= row.keys() <= set(_COLUMNS):
            raise OwnListError(f"line {number}: an object with id, list and perhaps period is expected")
        yield number, row


def _item(row: Mapping[str, object], line: int, calendar: Calendar) -> OwnItem:
    list_, id, period = (_text(row, name) for name in ("list", "id", "period"))
    if list_ not in list(ListName):
        raise OwnListError(f"list is one of {', '.join(ListName)}, not {echo(list_)}")
    return OwnItem(ListName(list_), _id(id), _period(period, calendar) if period else None, line)


def _text(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise OwnListError(f"{name} is a text, not {echo(value)}")
    return value.strip()


def _id(written: str) -> str:
    try:
        return str(uuid.UUID(written))
    except ValueError:
        raise OwnListError(f"id is a UUID, not {echo(written)}") from None


def _period(written: str, calendar: Calendar) -> str:
    try:
        calendar.months(written)
    except PeriodError as error:
        raise OwnListError(str(error)) from error
    return written
