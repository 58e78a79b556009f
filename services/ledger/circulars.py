"""Circulars of the ledger: which months count as of when, what is read of them, and the table that comes of it.

A closed period is told as it was fixed, unless another moment is asked for. Everything else is counted from the duties,
as of that moment or now. The period before is read in the same way, for the change.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from contracts.addresses import Tier
from contracts.directory import Directory, Level
from contracts.period import Calendar, PeriodError
from contracts.rates import Figures
from contracts.readings import Codes
from contracts.targets import Targets
from services.ledger.circular.listing import Listing, level_of, listing
from services.ledger.circular.table import Circular, CircularFigures, Subject, make_circular
from services.ledger.closings import Closing, closing_of, closings
from services.ledger.places import Place, places
from services.ledger.rates import figures_of
from services.ledger.store.connection import Connection, Row
from services.ledger.store.queries import READING

_SECONDS_A_DAY = 24 * 60 * 60
_WHOLE = None


@dataclass(frozen=True, slots=True)
class CircularQuestion:
    """Which circular is asked for. ``scope`` is a code or "" for the whole country; ``as_of`` None leaves the moment to
    the period: its closing, or now.
    """

    scope: str
    level: Level
    period: str
    tier: Tier | None = None
    kind: str | None = None
    as_of: datetime | None = None
    codes: Codes = "then"


@dataclass(frozen=True, slots=True)
class Platform:
    """What a circular is made with beside the ledger: the directory, the calendar, and the targets."""

    directory: Directory
    calendar: Calendar
    targets: Targets


@dataclass(frozen=True, slots=True)
class _Basis:
    """As of when a period's figures are: for each month the last moment that counts. ``fixed``: as it was closed."""

    period: str
    moments: dict[str, datetime]
    as_of: datetime
    closing: Closing | None
    fixed: bool

    @property
    def months(self) -> list[str]:
        return list(self.moments)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What is known under each listed code, and under None of the whole scope."""

    figures: dict[str | None, Figures]
    medians: dict[str | None, Decimal]


@dataclass(frozen=True, slots=True)
class CircularMaterial:
    """What was read of the ledger for a circular, before it is ranked."""

    subject: Subject
    listed: list[CircularFigures]
    total: CircularFigures

    def circular(self) -> Circular:
        """The ranked table."""
        return make_circular(self.subject, self.listed, self.total)


async def read_circular(
    connection: Connection, platform: Platform, question: CircularQuestion, now: datetime
) -> CircularMaterial:
    """Read what ``question`` needs, on a connection that sees one state of the ledger. Raises PeriodError."""
    calendar, closed = platform.calendar, await closings(connection)
    basis = _basis(calendar, question.period, closed, question.as_of, now)
    before = _basis_before(calendar, basis, closed, question.as_of, now)
    months = [*basis.months, *(before.months if before is not None else [])]
    sorted_places = listing(
        platform.directory,
        question.scope,
        question.level,
        question.codes,
        await places(connection, "recipient", months),
    )
    counted = await _counted(connection, calendar, question, basis, sorted_places)
    earlier = None if before is None else await _counted(connection, calendar, question, before, sorted_places)
    return _material(platform, question, basis, sorted_places, counted, earlier, now)


def _basis(
    calendar: Calendar, period: str, closed: dict[str, Closing], as_of: datetime | None, now: datetime
) -> _Basis:
    closing = closing_of(calendar, period, closed)
    months = calendar.months(period)
    if closing is not None and as_of in (None, closing.as_of):
        moments = {month: closed[month].last_moment for month in months}
        return _Basis(period, moments, closing.as_of, closing, fixed=True)
    # A day that is not over yet counts up to now.
    moment = now if as_of is None else min(as_of, now)
    return _Basis(period, dict.fromkeys(months, moment), moment, closing, fixed=False)


def _basis_before(
    calendar: Calendar, basis: _Basis, closed: dict[str, Closing], as_of: datetime | None, now: datetime
) -> _Basis | None:
    try:
        before = calendar.previous(basis.period)
    except PeriodError:
        return None
    # Fixed figures are compared with fixed ones, also where the closed period's own moment was named.
    return _basis(calendar, before, closed, None if basis.fixed else as_of, now)


async def _counted(
    connection: Connection, calendar: Calendar, question: CircularQuestion, basis: _Basis, sorted_places: Listing
) -> _Counted:
    of_places = _columns(sorted_places.code_of.items())
    filters = (question.tier, question.kind)
    span = calendar.span(basis.period)
    moments = (basis.months, list(basis.moments.values()))
    counted = await connection.fetch(READING["circular_counted"], *moments, *of_places, *filters, span.start, span.end)
    rows = counted
    if basis.fixed:
        rows = await connection.fetch(READING["circular_closed"], basis.months, *of_places, *filters)
    medians = {_code(row): _days(row["median_seconds"]) for row in counted if row["median_seconds"] is not None}
    return _Counted({_code(row): figures_of(row) for row in rows}, medians)


def _columns(code_of: Iterable[tuple[Place, str]]) -> tuple[list[str], list[int], list[str]]:
    rows = list(code_of)
    return [place.address for place, _ in rows], [place.year for place, _ in rows], [code for _, code in rows]


def _code(row: Row) -> str | None:
    code: str | None = row["code"]
    return _WHOLE if row["whole"] else code


def _days(seconds: float) -> Decimal:
    return Decimal(seconds) / _SECONDS_A_DAY


def _material(
    platform: Platform,
    question: CircularQuestion,
    basis: _Basis,
    sorted_places: Listing,
    counted: _Counted,
    earlier: _Counted | None,
    now: datetime,
) -> CircularMaterial:
    def figures(code: str | None, name: str, level: Level | None) -> CircularFigures:
        own = counted.figures.get(code, Figures())
        return CircularFigures(
            code=question.scope if code is _WHOLE else code,
            name=name,
            figures=own,
            substantive=own.substantive,
            median_days=counted.medians.get(code),
            before=None if earlier is None else earlier.figures.get(code, Figures()),
            target=None if level is None else platform.targets.target_for(level, question.kind),
        )

    scope_name = name_of(platform.directory, question.scope, int(question.period[:4]))
    listed = [figures(code, name, question.level) for code, name in sorted_places.names.items()]
    total = figures(_WHOLE, scope_name, level_of(question.scope))
    return CircularMaterial(_subject(platform.calendar, question, basis, scope_name, now), listed, total)


def name_of(directory: Directory, code: str, year: int) -> str:
    """The name of a jurisdiction, or that of a retired code in a year; "" is the whole country, which has none."""
    known = directory.get(code)
    return known.name if known is not None else directory.name_in(code, year) or code


def _subject(calendar: Calendar, question: CircularQuestion, basis: _Basis, scope_name: str, now: datetime) -> Subject:
    zone: ZoneInfo = calendar.zone
    return Subject(
        scope_code=question.scope,
        scope_name=scope_name,
        level=question.level,
        period=question.period,
        span=calendar.span(question.period),
        zone=zone,
        tier=question.tier,
        kind=question.kind,
        codes=question.codes,
        cut_off=None if basis.closing is None else basis.closing.as_of,
        as_of=basis.as_of,
        generated_at=now,
    )
