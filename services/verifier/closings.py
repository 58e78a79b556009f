"""The table that a closing commits to, counted anew from the duties."""

import sqlite3

from contracts.leaf import TABLE_COUNTS, TABLE_KEY, closing_table

_COLUMNS = (*TABLE_KEY, "period", *TABLE_COUNTS)
# Columns in the order of _COLUMNS. Every query of the month counts, and an end only if it came before the moment.
_COUNT = """
SELECT r.role, CASE r.role WHEN 'recipient' THEN address ELSE origin END AS of, tier, kind, period, count(*),
       sum(end = 'answered'), sum(end = 'answered' AND on_time), sum(end = 'answered' AND on_time_original),
       sum(end = 'answered' AND substantive), sum(end = ''), sum(end = 'withdrawn'),
       sum(end IN ('forwarded', 'passed-on'))
  FROM (SELECT *, CASE WHEN ended_at < :as_of THEN ended_as ELSE '' END AS end FROM duty WHERE period = :period),
       (SELECT 'recipient' AS role UNION ALL SELECT 'sender') AS r
 GROUP BY 1, 2, 3, 4, 5
"""


def table(lines: sqlite3.Connection, period: str, as_of: int) -> tuple[bytes, ...]:
    """The table of a month's cohorts as of a moment (microseconds since 1970), in its canonical lines."""
    rows = lines.execute(_COUNT, {"period": period, "as_of": as_of})
    return closing_table(dict(zip(_COLUMNS, row, strict=True)) for row in rows)
