"""Brings a database up to date: migrations, then the services' roles. Run by whoever owns the database, never by a
service.
"""

from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.ledger.store.roles import ensure_roles

_MIGRATIONS = Path(__file__).parent / "migrations"
# Two stacks that start on one database migrate one after the other. The number is this project's own, nothing else.
_MIGRATION_LOCK = 7_140_713


async def provision(owner_url: str, role_passwords: dict[str, str]) -> None:
    """Migrate the database at ``owner_url`` and make the roles of the services named in ``role_passwords``."""
    await migrate(owner_url)
    connection: asyncpg.Connection[Any] = await asyncpg.connect(owner_url)
    try:
        async with connection.transaction():
            await ensure_roles(connection, role_passwords)
    finally:
        await connection.close()


async def migrate(owner_url: str, revision: str = "head") -> None:
    """Run the migrations that the database at ``owner_url`` lacks, up to one of them, all by default.

    Raises UnprovableLogError for a log that began before it could be proved.
    """
    engine = create_async_engine(owner_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, revision)
    finally:
        await engine.dispose()


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration, made here rather than in a file: all it needs is where the migrations are."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
    command.upgrade(alembic_config(connection), revision)
