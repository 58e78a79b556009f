"""A transaction whose commit can be relied upon.

With a synchronous standby, COMMIT returns when the standby has the transaction as well. Where that wait is cut short,
by pg_cancel_backend or a statement timeout, COMMIT succeeds with no more than a warning: "The transaction has already
committed locally, but might not have been replicated to the standby". If the primary were lost then, so would be the
transaction, and with it what was handed over because of it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from services.ledger.store.connection import Connection


class CommitInDoubtError(Exception):
    """A COMMIT succeeded with a warning. Doing the same again waits for the standby again, and is no second time."""


@asynccontextmanager
async def transaction(connection: Connection) -> AsyncIterator[None]:
    """A transaction. Raises CommitInDoubtError, when it is committed here and perhaps nowhere else."""
    warnings: list[str] = []

    # asyncpg calls it before whoever waits for the statement goes on.
    def listen(_connection: object, message: asyncpg.PostgresLogMessage) -> None:
        # Not the message's text: that is in the server's language.
        if message.severity_en == "WARNING":
            warnings.append(str(message))

    connection.add_log_listener(listen)
    try:
        async with connection.transaction():
            yield
            # Whatever the statements said is no matter; from here on the COMMIT speaks.
            warnings.clear()
    finally:
        # A connection that was lost has no listeners any more, and must not hide that it was lost.
        with suppress(asyncpg.InterfaceError):
            connection.remove_log_listener(listen)
    if warnings:
        raise CommitInDoubtError("; ".join(warnings))
