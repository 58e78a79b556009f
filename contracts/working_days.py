"""Working days in mainland China: the working week, less public holidays, with the weekends that are worked instead.

The State Council's office publishes the arrangement of a year in the November before it; it is data of the package
``holidays``. For a year whose arrangement the installed package does not have, statutory holidays and the days off in
place of those that fall on a weekend are calculated, and no weekend is worked. Source: docs/decisions/0012.
"""

from datetime import date, timedelta
from functools import lru_cache

import holidays

_CHINA = holidays.country_holidays("CN")


def is_working_day(day: date) -> bool:
    """Whether offices work on ``day``."""
    return _CHINA.is_working_day(day)


def is_arranged(year: int) -> bool:
    """Whether the published arrangement of ``year`` is known; otherwise its holidays are an estimate."""
    # The package fills in a year when it is first asked for. No arrangement since 2001 was without a worked weekend.
    _CHINA.is_working_day(date(year, 1, 1))
    return any(worked.year == year for worked in _CHINA.weekend_workdays)


# Kept, because every query of a day asks for the same few and a walk over weeks is dear beside the rest of admission.
@lru_cache(maxsize=1024)
def working_days_after(day: date, count: int) -> date:
    """The ``count``-th working day after ``day``, which itself does not count."""
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day
