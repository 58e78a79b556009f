"""The circular as a table: what is known of each jurisdiction, made into ranked rows, with everything below adding up.

Every derived value follows from what the row shows, so that a reader with the printed page can check it: a change is
the difference of the two rates as printed, and a target is met when the printed rate reaches it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from contracts.addresses import Tier
from contracts.directory import Level
from contracts.period import Span
from contracts.rates import Figures, percentage, wilson_lower_bound
from contracts.readings import Codes
from services.ledger.circular.ranking import Bound, ranks

_TENTH = Decimal("0.1")


class Status(StrEnum):
    """How final the figures are."""

    PROVISIONAL = "provisional"
    """The period is not closed, or this is how it stood before its cut-off."""
    CLOSED = "closed"
    """As the period was closed."""
    RESTATED = "restated"
    """As it stood after the cut-off, with answers that came too late for the closed figures."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a circular is about. ``scope_code`` "" is the whole country; ``tier`` and ``kind`` None mean all of them.

    ``as_of`` is the moment up to which answers are counted, ``cut_off`` that of the closed period and None while it is
    open; all moments are aware, and are shown in ``zone``. ``codes`` are those under which it is read.
    """

    scope_code: str
    scope_name: str
    level: Level
    period: str
    span: Span
    zone: ZoneInfo
    tier: Tier | None
    kind: str | None
    cut_off: datetime | None
    as_of: datetime
    generated_at: datetime
    codes: Codes = "then"

    @property
    def status(self) -> Status:
        """How final the figures are."""
        if self.cut_off is None or self.as_of < self.cut_off:
            return Status.PROVISIONAL
        return Status.CLOSED if self.as_of == self.cut_off else Status.RESTATED


@dataclass(frozen=True, slots=True)
class CircularFigures:
    """What is known of one jurisdiction.

    ``substantive`` is a part of ``figures.answered``; ``median_days`` is from receipt to answer, None where nothing was
    answered; ``before`` are the figures of the period before, None where they are not known; ``target`` is in per cent.
    """

    code: str
    name: str
    figures: Figures
    substantive: int
    median_days: Decimal | None
    before: Figures | None
    target: Decimal | None


@dataclass(frozen=True, slots=True)
class CircularRow:
    """A line of the circular. Rates and the target are in per cent with two decimals, ``change`` in percentage points.

    Each rate is of what was received. ``rank`` is None for 0/0 and for sums, ``met`` where there is no rate or no
    target.
    """

    rank: int | None
    code: str
    name: str
    figures: Figures
    substantive: int
    median_days: Decimal | None
    change: Decimal | None
    target: Decimal | None

    @property
    def fraction(self) -> str:
        """``713/714``."""
        return self.figures.fraction

    @property
    def rate(self) -> Decimal | None:
        """The feedback rate."""
        return _rate(self.figures.answered, self.figures.received)

    @property
    def on_time_rate(self) -> Decimal | None:
        """Answered by the deadline, of what was received."""
        return _rate(self.figures.on_time, self.figures.received)

    @property
    def substantive_rate(self) -> Decimal | None:
        """Answered with substance, of what was received."""
        return _rate(self.substantive, self.figures.received)

    @property
    def met(self) -> bool | None:
        """Whether the rate, as it is shown, reaches the target."""
        return None if self.rate is None or self.target is None else self.rate >= self.target


@dataclass(frozen=True, slots=True)
class Circular:
    """The whole circular. ``total`` is the scope; ``rest`` is what belongs to it and to none of the rows (addressed to
    the scope itself, or below it outside this level), None where there is nothing of the kind.
    """

    subject: Subject
    rows: tuple[CircularRow, ...]
    rest: CircularRow | None
    total: CircularRow


def make_circular(
    subject: Subject,
    jurisdictions: Iterable[CircularFigures],
    total: CircularFigures,
    bound: Bound = wilson_lower_bound,
) -> Circular:
    """Rank ``jurisdictions`` and put the sum of the whole scope below them.

    Raises ValueError where a code comes twice, a part is greater than its whole, or the rows together have more than
    ``total``.
    """
    listed = list(jurisdictions)
    known = {entry.code: entry for entry in listed}
    if len(known) < len(listed):
        raise ValueError("a jurisdiction stands twice in the circular")
    order = ranks({code: entry.figures for code, entry in known.items()}, bound)
    rows = tuple(_row(known[code], rank) for code, rank in order.items())
    return Circular(subject, rows, _rest(total, listed), _row(total, None))


def signed(change: Decimal) -> str:
    """A change with its sign, `+0.15`; `0.00` has none."""
    return f"{change:+}" if change else f"{change}"


def _row(entry: CircularFigures, rank: int | None) -> CircularRow:
    if not 0 <= entry.substantive <= entry.figures.answered:
        raise ValueError(f"{entry.code}: {entry.substantive} of {entry.figures.answered} answers cannot be substantive")
    return CircularRow(
        rank=rank,
        code=entry.code,
        name=entry.name,
        figures=entry.figures,
        substantive=entry.substantive,
        median_days=None if entry.median_days is None else entry.median_days.quantize(_TENTH, ROUND_HALF_UP),
        change=_change(entry.figures, entry.before),
        target=None if entry.target is None else entry.target.quantize(Decimal("0.01"), ROUND_HALF_UP),
    )


def _rest(total: CircularFigures, listed: list[CircularFigures]) -> CircularRow | None:
    summed = sum((entry.figures for entry in listed), Figures())
    left = Figures(*(getattr(total.figures, field.name) - getattr(summed, field.name) for field in fields(Figures)))
    substantive = total.substantive - sum(entry.substantive for entry in listed)
    counts = (*(getattr(left, field.name) for field in fields(Figures)), substantive)
    if min(counts) < 0:
        raise ValueError(f"the jurisdictions of the circular have more together than {total.code or 'the whole'} has")
    if not any(counts):
        return None
    # A median cannot be taken apart, and nobody is held to the sum of what is left over.
    return CircularRow(None, "", "", left, substantive, median_days=None, change=None, target=None)


def _rate(part: int, whole: int) -> Decimal | None:
    text = percentage(part, whole)
    return None if text is None else Decimal(text)


def _change(now: Figures, before: Figures | None) -> Decimal | None:
    if before is None or now.rate is None or before.rate is None:
        return None
    return Decimal(now.rate) - Decimal(before.rate)
