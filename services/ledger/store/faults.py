"""Tells a database that is away, or not in a state to be written, from a record that it cannot take."""

import asyncpg

from services.ledger.store.transaction import CommitInDoubtError

# A ValueError is what the driver itself raises for a value that it cannot encode.
_OF_THE_DATA = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError)


class DamagedTreeError(Exception):
    """The log's tree is not what its size says: nothing may be appended to it."""


class UnprovableLogError(Exception):
    """A log has entries of which nothing can be proved; the text says what to do."""


_OF_THE_DATABASE = (
    OSError,
    CommitInDoubtError,
    DamagedTreeError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def is_away(error: Exception) -> bool:
    """Whether ``error`` says nothing against what was to be written, so that writing it again later may succeed.

    Away is also a database that is full, read-only after a fail-over, without its synchronous standby, not migrated
    yet, or damaged: no record is to blame for that.
    """
    return isinstance(error, _OF_THE_DATABASE) and not isinstance(error, _OF_THE_DATA)
