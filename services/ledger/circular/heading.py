"""What stands above the table: of whom, of which period, how final, and as of which moment."""

from datetime import date, datetime, timedelta

from services.ledger.circular.table import Subject
from services.ledger.circular.words import WORDS, Language


def title(subject: Subject, language: Language) -> str:
    """The circular's title: `河南省2026年11月协查反馈率情况通报`."""
    words = WORDS[language]
    year, _, month = subject.period.partition("-")
    period = words.month.format(year=year, month=int(month)) if month else words.year.format(year=year)
    return words.title.format(scope=scope(subject, language), period=period)


def scope(subject: Subject, language: Language) -> str:
    """The name of the scope, which "" has from the language."""
    return subject.scope_name if subject.scope_code else WORDS[language].whole_country


def lines(subject: Subject, language: Language) -> list[str]:
    """The lines below the title: the period's days; what is counted; how final it is and as of when; when made."""
    words = WORDS[language]
    first, last = days(subject)
    return [
        words.span.format(first=_day(first, language), last=_day(last, language)),
        words.listed.format(
            level=words.levels[subject.level],
            tier=tier(subject, language),
            kind=kind(subject, language),
            codes=words.codes[subject.codes],
        ),
        words.counted.format(status=words.statuses[subject.status]),
        words.as_of.format(moment=_moment(subject.as_of, subject, language)),
        words.generated.format(moment=_moment(subject.generated_at, subject, language)),
    ]


def days(subject: Subject) -> tuple[date, date]:
    """The first and the last day of the period."""
    begin, over = (moment.astimezone(subject.zone) for moment in (subject.span.start, subject.span.end))
    return begin.date(), (over - timedelta(microseconds=1)).date()


def tier(subject: Subject, language: Language) -> str:
    """The tier that is counted, or that it is all of them."""
    words = WORDS[language]
    return words.everything if subject.tier is None else words.tiers[subject.tier]


def kind(subject: Subject, language: Language) -> str:
    """The kind that is counted, or that it is all of them."""
    return subject.kind or WORDS[language].everything


def _day(day: date, language: Language) -> str:
    return WORDS[language].day.format(year=day.year, month=day.month, day=day.day)


def _moment(moment: datetime, subject: Subject, language: Language) -> str:
    words = WORDS[language]
    local = moment.astimezone(subject.zone)
    zone = words.zones.get(subject.zone.key, subject.zone.key)
    return words.moment.format(day=_day(local.date(), language), clock=f"{local:%H:%M:%S}", zone=zone)
