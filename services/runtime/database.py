"""The connection pool to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, wait_random_exponential

from services.runtime.database_connection import GONE_AFTER_MS, WatchedConnection, connect
from services.runtime.health import Check
from services.runtime.settings import DatabaseSettings

IDLE_IN_TRANSACTION_MS = 10_000
CONNECT_SECONDS = 5
LINE_SECONDS = 2.0
"""So much longer than the server may take over a reader's statement is its answer waited for."""

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    # None of several hosts can be written to: the standby has not been promoted yet.
    asyncpg.TargetServerAttributeNotMatched,
    asyncpg.TooManyConnectionsError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""What says that the database is away for now, as opposed to saying that a query is wrong. Worth another try."""

UNANSWERED = (
    *AWAY,
    asyncpg.InterfaceError,
    # What the driver says of a connection that died in the middle of its own bookkeeping.
    asyncpg.InternalClientError,
    asyncpg.QueryCanceledError,
)
"""What says to a reader that it may ask again: the database is away, its connection broke, or it took too long."""

log = structlog.get_logger(__name__)


class DatabaseUnavailable(Exception):  # noqa: N818 - It says what is the matter.
    """The database could not be reached in the time given."""


@asynccontextmanager
async def open_pool(
    settings: DatabaseSettings,
    *,
    application_name: str,
    min_size: int = 1,
    statement_timeout_s: float | None = None,
) -> AsyncIterator[asyncpg.Pool]:
    """A pool of at most ``settings.pool_size`` connections, waiting for the database for ``settings.start_timeout_s``.

    ``statement_timeout_s`` is for readers only: the server ends a statement that takes longer, and the connection is
    given up when nothing is heard of it either, as on a line that is half open. It also cancels a COMMIT, and a COMMIT
    that is cancelled while it waits for a standby has happened all the same: who writes leaves it None, and has limits
    of its own. Raises DatabaseUnavailable.
    """
    server_settings = {
        "application_name": application_name,
        # A client that hangs in the middle of a transaction would hold its locks against everyone else.
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
        # A client that has vanished is noticed within half a minute, and what it had locked is free again.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "4",
        "tcp_user_timeout": str(GONE_AFTER_MS),
        # One that has closed its line no longer waits for locks, only to hold them for nobody.
        "client_connection_check_interval": "5s",
        "timezone": "UTC",
        # The queries here are short: compiling them takes longer than running them.
        "jit": "off",
        # Always said, so that a limit that the role or the database was given does not reach who writes.
        "statement_timeout": str(int((statement_timeout_s or 0) * 1000)),
    }
    # Of the whole answer, and of giving the connection back: the pool resets it first, which asks the server.
    command_timeout = None if statement_timeout_s is None else statement_timeout_s + LINE_SECONDS
    pool = await _connect(settings, min_size, server_settings, command_timeout)
    try:
        yield pool
    finally:
        await _close(pool)


async def _connect(
    settings: DatabaseSettings,
    min_size: int,
    server_settings: dict[str, str],
    command_timeout: float | None,
) -> asyncpg.Pool:
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(AWAY),
        wait=wait_random_exponential(multiplier=0.1, max=5),
        stop=stop_after_delay(settings.start_timeout_s),
        before_sleep=_log_away,
        reraise=True,
    )

    async def open_one() -> asyncpg.Pool:
        # The call alone makes a pool that is not connected yet; awaiting it connects.
        return await asyncpg.create_pool(
            settings.url,
            min_size=min_size,
            max_size=max(min_size, settings.pool_size),
            timeout=CONNECT_SECONDS,
            connect=connect,
            connection_class=WatchedConnection,
            server_settings=server_settings,
            command_timeout=command_timeout,
        )

    try:
        return await retrying(open_one)
    except AWAY as error:
        raise DatabaseUnavailable(
            f"PostgreSQL did not answer within {settings.start_timeout_s:g} s ({type(error).__name__}: {error}); "
            "check HUIZHI_DATABASE_URL and that the server runs"
        ) from error


def _log_away(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome is not None else None
    log.warning("database_away", error=type(error).__name__, attempt=state.attempt_number)


async def _close(pool: asyncpg.Pool) -> None:
    # A connection whose server is gone may never answer the goodbye.
    try:
        async with asyncio.timeout(3):
            await pool.close()
    except (asyncpg.PostgresError, *UNANSWERED):
        pool.terminate()


def database_check(pool: asyncpg.Pool) -> Check:
    """A readiness check: one query, over a connection of the pool."""

    async def check() -> str | None:
        await pool.fetchval("SELECT 1", timeout=1.5)
        return None

    return check
