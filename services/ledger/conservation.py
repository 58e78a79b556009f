"""Conservation: whether every counter agrees with the others and with the messages. Source: design section 2.3."""

from typing import Any

from services.ledger.store.connection import Connection
from services.ledger.store.queries import READING


async def broken_cohorts(connection: Connection) -> list[dict[str, Any]]:
    """The cohorts in which received is not answered + unanswered + withdrawn + forwarded, or unanswered is not what is
    so.
    """
    return [dict(row) for row in await connection.fetch(READING["conservation"])]


async def miscounted_cohorts(connection: Connection) -> list[dict[str, Any]]:
    """The cohorts whose counters differ from a recount of the whole log. Takes time in proportion to the log."""
    return [dict(row) for row in await connection.fetch(READING["recount"])]
