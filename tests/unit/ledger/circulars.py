"""Circulars for the tests of their table and of the files they are handed out as."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from contracts.period import Calendar
from contracts.rates import Figures
from services.ledger.circular.table import Circular, CircularFigures, Subject, make_circular

SHANGHAI = ZoneInfo("Asia/Shanghai")


def counted(answered: int, received: int) -> Figures:
    """Figures with nothing withdrawn or forwarded, and every answer on time."""
    unanswered = received - answered
    return Figures(received, answered, on_time=answered, unanswered=unanswered, on_time_original=answered)


def entry(code: str, answered: int, received: int, name: str = "某区") -> CircularFigures:
    """A jurisdiction without a period before and without a target, with every answer substantive."""
    median = Decimal("2.5") if answered else None
    return CircularFigures(code, name, counted(answered, received), answered, median, None, None)


def total_of(listed: Iterable[CircularFigures]) -> CircularFigures:
    """The scope that consists of these and nothing else."""
    entries = list(listed)
    figures = sum((each.figures for each in entries), Figures())
    substantive = sum(each.substantive for each in entries)
    return CircularFigures("41", "河南省", figures, substantive, Decimal("2.5"), None, None)


def subject() -> Subject:
    """The closed month 2026-11 in the prefectures of 41."""
    cut_off = datetime(2026, 11, 27, 16, tzinfo=UTC)
    return Subject(
        scope_code="41",
        scope_name="河南省",
        level="prefecture",
        period="2026-11",
        span=Calendar(SHANGHAI).span("2026-11"),
        zone=SHANGHAI,
        tier=None,
        kind=None,
        cut_off=cut_off,
        as_of=cut_off,
        generated_at=datetime(2026, 11, 28, 1, 2, 3, tzinfo=UTC),
    )


def example() -> Circular:
    """One of everything: better and worse than before, met and not met, no target, nothing received, and a rest."""
    ninety_five = Decimal(95)
    listed = [
        replace(entry("4101", 713, 714, "郑州市"), before=counted(690, 700), target=ninety_five, substantive=700),
        replace(entry("4102", 3, 3, "开封市"), before=counted(3, 4), target=ninety_five),
        replace(entry("4103", 41, 52, "洛阳市"), before=counted(50, 52), target=ninety_five),
        replace(entry("4104", 88, 100, "平顶山市"), before=counted(0, 0), target=None),
        replace(entry("4105", 0, 0, "安阳市"), before=counted(1, 1), target=ninety_five),
        replace(entry("4106", 0, 4, "鹤壁市"), before=None, target=ninety_five),
    ]
    listed[3] = replace(listed[3], figures=replace(listed[3].figures, on_time=60))
    whole = total_of(listed)
    whole = replace(whole, figures=whole.figures + counted(5, 6), substantive=whole.substantive + 5)
    return make_circular(subject(), listed, replace(whole, before=counted(700, 720), target=ninety_five))
