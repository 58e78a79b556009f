"""What holds of addresses, periods, moments, cursors and rates for every value, beside what the unit tests hold."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from contracts.addresses import Address, ancestors, covers, province, tier
from contracts.period import Calendar, PeriodError
from contracts.rates import Figures, percentage
from services.ledger.answers import cursor, read_entry_cursor, read_time_cursor
from services.ledger.moments import read_moment
from services.ledger.store.queries import at_and_below

settings.register_profile("calculations", derandomize=True, deadline=None)
SURE = settings(settings.get_profile("calculations"), max_examples=200)

ZONES = [
    "Asia/Shanghai",
    "UTC",
    "America/St_Johns",
    "Europe/Berlin",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
]
# The 27th is the cut-off, which a month that begins on the 28th cannot have.
CALENDARS = st.builds(Calendar, st.sampled_from([ZoneInfo(zone) for zone in ZONES]), st.integers(1, 27))
MONTHS = st.builds("{:04d}-{:02d}".format, st.integers(2, 9998), st.integers(1, 12))
DAYS = st.dates(date(2, 1, 1), date(9998, 12, 31))
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the strategy adds the zone.
# Few digits and names, so that addresses lie above each other often.
CODES = st.one_of(*(st.text("14", min_size=length, max_size=length) for length in (2, 4, 6, 9)))
ADDRESSES = st.builds(Address, CODES, st.none() | st.sampled_from(["health", "health-care", "h", "health2"])).map(str)
COUNTS = st.integers(0, 10**12)


@SURE
@given(ADDRESSES, ADDRESSES)
def test_the_database_finds_below_an_address_what_it_speaks_for_and_nothing_else(above: str, below: str) -> None:
    pattern = at_and_below(above)
    found = below.startswith(pattern[:-1]) if pattern.endswith("%") else below == pattern

    assert found == covers(above, below)


@SURE
@given(ADDRESSES, ADDRESSES, ADDRESSES)
def test_what_an_address_speaks_for_speaks_for_no_more_than_it_does(a: str, b: str, c: str) -> None:
    if covers(a, b) and covers(b, c):
        assert covers(a, c)
    if covers(a, b):
        assert province(a) == province(b)
        assert tier(a, b) == "provincial"
        assert tier(a, c) == tier(b, c)


@SURE
@given(ADDRESSES)
def test_above_an_address_lies_each_level_once_and_the_list_of_each_is_the_rest_of_the_list(address: str) -> None:
    above = ancestors(address)

    assert len(set(above)) == len(above)
    for place, one in enumerate(above[1:], start=1):
        assert ancestors(one) == above[place:]


@SURE
@given(CALENDARS, MONTHS)
@example(Calendar(ZoneInfo("Asia/Shanghai")), "0002-01")
@example(Calendar(ZoneInfo("America/St_Johns"), 1), "9998-12")
def test_months_follow_each_other_without_gap_and_overlap(calendar: Calendar, month: str) -> None:
    span = calendar.span(month)

    assert calendar.period_of(span.start) == month
    assert calendar.period_of(span.end - timedelta(microseconds=1)) == month
    assert calendar.span(calendar.period_of(span.end)).start == span.end
    assert calendar.span(calendar.period_of(span.start - timedelta(microseconds=1))).end == span.start


@SURE
@given(CALENDARS, st.integers(2, 9998).map("{:04d}".format))
def test_a_year_is_its_months_and_each_belongs_to_it(calendar: Calendar, year: str) -> None:
    months = calendar.months(year)

    assert calendar.span(year).start == calendar.span(months[0]).start
    assert calendar.span(year).end == calendar.span(months[-1]).end
    assert [month[:4] for month in months] == [year] * 12


@SURE
@given(CALENDARS, DAYS)
def test_a_day_begins_at_its_midnight_and_ends_at_the_next(calendar: Calendar, day: date) -> None:
    begins, ends = calendar.midnight(day), calendar.midnight(day + timedelta(days=1))

    # Apia left out a day when it changed sides of the date line: that one has no moment.
    assume(begins < ends)
    assert calendar.local_date(begins) == day
    assert calendar.local_date(ends - timedelta(microseconds=1)) == day
    assert read_moment("from", day.isoformat(), calendar, end_of_day=False) == begins
    assert read_moment("to", day.isoformat(), calendar, end_of_day=True) == ends


@SURE
@given(st.text(max_size=12) | st.from_regex(r"\A\d{4}(-\d{2})?\Z"))
@example("1\u0662\u0663\u0664-11")
def test_a_name_is_a_period_in_plain_digits_or_one_named_error(name: str) -> None:
    try:
        months = Calendar(ZoneInfo("UTC")).months(name)
    except PeriodError:
        return
    assert name.isascii()
    assert all(month.startswith(name[:4]) for month in months)


@SURE
@given(CALENDARS, MOMENTS)
def test_a_moment_is_read_as_the_moment_it_was_written_as(calendar: Calendar, moment: datetime) -> None:
    for zone in (UTC, calendar.zone):
        text = moment.astimezone(zone).isoformat()
        # Offsets with seconds, as of times before there were zones, are written and read, too.
        assert read_moment("from", text, calendar, end_of_day=False) == moment
        assert read_moment("from", text.replace("+", " "), calendar, end_of_day=False) == moment


@SURE
@given(MOMENTS, st.uuids(), st.integers(0, 2**62 - 1))
def test_a_cursor_leads_to_where_its_page_ended(moment: datetime, id: UUID, entry: int) -> None:
    assert read_time_cursor(cursor(moment, id)) == (moment, id)
    assert read_entry_cursor(cursor(entry)) == entry


@SURE
@given(COUNTS, COUNTS, COUNTS)
@example(1, 1, 199)
@example(199, 1, 0)
def test_a_rate_never_falls_when_one_more_is_answered_and_is_rounded_half_up(part: int, more: int, rest: int) -> None:
    whole = part + more + rest
    assume(whole)
    before, after = percentage(part, whole), percentage(part + more, whole)

    assert before is not None
    assert after is not None
    assert Decimal(before) <= Decimal(after)
    exact = Fraction(100 * part, whole)
    if before not in ("99.99", "100.00"):
        assert Fraction(-1, 200) < Fraction(Decimal(before)) - exact <= Fraction(1, 200)


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    """Figures that conserve."""
    answered, unanswered, withdrawn, forwarded = (draw(COUNTS) for _ in range(4))
    received = answered + unanswered + withdrawn + forwarded
    return Figures(received, answered, draw(st.integers(0, answered)), unanswered, withdrawn, forwarded)


@SURE
@given(figures(), figures(), figures())
def test_sums_of_figures_that_conserve_conserve_in_whatever_order(a: Figures, b: Figures, c: Figures) -> None:
    assert (a + b) + c == a + (b + c) == (c + b) + a
    assert (a + b + c).holds
    assert a + Figures() == a
    rates = [Fraction(one.answered, one.received) for one in (a, b) if one.received]
    if rates:
        total = a + b
        assert min(rates) <= Fraction(total.answered, total.received) <= max(rates)
