"""Rows of the ledger as the wire's models."""

import base64
import binascii
from dataclasses import asdict
from datetime import UTC, date, datetime
from uuid import UUID

import msgspec

from contracts.problems import ProblemError, ProblemType
from contracts.rates import Figures
from contracts.wire import (
    BrokenCohort,
    CustodyOut,
    EntryOut,
    FiguresOut,
    MessageOut,
    ParkedMessageOut,
    RefusalOut,
    SetAsideOut,
    UnansweredQuery,
)
from services.ledger.store.connection import Row

_MORE_ENTRIES_THAN_EVER = 2**62
_RENAMED = {"id", "from_", "to", "custody", "entries", "refusals"}
_AS_THEY_ARE = tuple(name for name in MessageOut.model_fields if name not in _RENAMED)


def figures_out(figures: Figures) -> FiguresOut:
    """Figures with their rate."""
    return FiguresOut(**figures_members(figures))


def figures_members(figures: Figures) -> dict[str, int | str | None]:
    """The members that any answer with figures has."""
    return {**asdict(figures), "rate": figures.rate, "fraction": figures.fraction}


def unanswered_query(row: Row, today: date) -> UnansweredQuery:
    """A row of the unanswered list."""
    return UnansweredQuery(
        id=row["id"],
        kind=row["kind"],
        from_=row["origin"],
        to=row["written_to"],
        address=row["address"],
        recipient=row["recipient"],
        tier=row["tier"],
        dispatched_at=row["dispatched_at"],
        due=row["due"],
        original_due=row["original_due"],
        state=row["state"],
        acknowledged_at=row["acknowledged_at"],
        overdue=row["due"] is not None and row["due"] < today,
    )


def refusal(row: Row) -> RefusalOut:
    """A row of the refusals, with the problem's title."""
    problem = ProblemType.of(row["problem"])
    return RefusalOut(**{**dict(row), "problem": problem.urn, "title": problem.title})


def parked_message(row: Row) -> ParkedMessageOut:
    """A row of the parked messages."""
    return ParkedMessageOut(
        id=row["id"],
        type=row["type"],
        kind=row["kind"],
        sender=row["sender"],
        from_=row["origin"],
        to=row["written_to"],
        address=row["address"],
        tier=row["tier"],
        due=row["due"],
        reason=row["parked_reason"],
        accepted_at=row["accepted_at"],
        entry=row["accepted_entry"],
    )


def set_aside(row: Row) -> SetAsideOut:
    """A row of what was set aside."""
    return SetAsideOut(**dict(row))


def broken_cohort(row: dict[str, object]) -> BrokenCohort:
    """A row of the conservation query."""
    return BrokenCohort.model_validate(row)


def message(
    id: UUID, row: Row | None, custody: list[CustodyOut], timeline: list[Row], refusals: list[Row]
) -> MessageOut:
    """One message with its custody, entries and refusals; ``row`` None where its id was only ever refused."""
    entries = [
        EntryOut(index=e["index"], at=e["at"], event=e["event"], data=msgspec.json.decode(e["data"])) for e in timeline
    ]
    refused = [refusal(r) for r in refusals]
    if row is None:
        return MessageOut(id=id, state=None, entries=entries, refusals=refused)
    return MessageOut(
        id=id,
        from_=row["origin"],
        to=row["written_to"] or row["address"],
        custody=custody,
        entries=entries,
        refusals=refused,
        **{name: row[name] for name in _AS_THEY_ARE},
    )


def cursor(*parts: datetime | UUID | int) -> str:
    """Where a page ended, as an opaque text for the next request."""
    text = "|".join(part.isoformat() if isinstance(part, datetime) else str(part) for part in parts)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_time_cursor(text: str) -> tuple[datetime, UUID]:
    """The moment and id that ``cursor`` made ``text`` of. Raises ProblemError for any other text."""
    try:
        moment, id = _parts(text)
        return _in_utc(datetime.fromisoformat(moment)), UUID(id)
    except (ValueError, OverflowError):
        raise _bad_cursor() from None


def read_entry_cursor(text: str) -> int:
    """The entry that ``cursor`` made ``text`` of. Raises ProblemError for any other text."""
    try:
        (entry,) = _parts(text)
        return _index(int(entry))
    except ValueError:
        raise _bad_cursor() from None


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a cursor's moment has an offset")
    return moment.astimezone(UTC)


def _index(entry: int) -> int:
    if not 0 <= entry < _MORE_ENTRIES_THAN_EVER:
        raise ValueError("a cursor's entry is an index of the log")
    return entry


def _parts(text: str) -> list[str]:
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.urlsafe_b64decode(padded.encode("ascii")).decode("ascii").split("|")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(text) from error


def _bad_cursor() -> ProblemError:
    return ProblemError(ProblemType.INVALID_REQUEST, "after is the member next of the page before; take it as it came")
