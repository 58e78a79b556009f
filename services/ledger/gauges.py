"""Keeps the gauges of what stands on the ledger."""

from typing import Any

import asyncpg
import structlog

from services.ledger.metrics import LedgerMetrics
from services.ledger.store.faults import is_away
from services.ledger.store.queries import READING
from services.runtime.lifecycle import Stop

_QUERY_SECONDS = 10.0

log = structlog.get_logger(__name__)


async def keep_gauges(pool: "asyncpg.Pool[Any]", metrics: LedgerMetrics, interval_s: float, stop: Stop) -> None:
    """Read what stands on the ledger every ``interval_s`` seconds until the stop; while the database is away, the last
    figures stay.
    """
    while not stop.is_set:
        try:
            row = await pool.fetchrow(READING["standing"], timeout=_QUERY_SECONDS)
            waiting = await pool.fetch(READING["open_by_state"], timeout=_QUERY_SECONDS)
        except Exception as error:
            if not is_away(error):
                raise
            log.warning("gauges_stale", error=type(error).__name__)
        else:
            metrics.stands(row, {each["state"]: each["queries"] for each in waiting})
        await stop.sleep(interval_s)
