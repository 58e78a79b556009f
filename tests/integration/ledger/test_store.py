"""The store: migrations make exactly the declared tables, and the database itself guards the log."""

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.ledger.store.metadata import METADATA
from services.ledger.store.provision import provision
from services.ledger.store.queries import READING, RETENTION, WRITING


async def test_replayed_migrations_equal_the_declared_tables(database: str) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, METADATA))

    engine = create_async_engine(database.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_provisioning_again_changes_nothing(database: str) -> None:
    await provision(database, {"ledger": "one"})
    await provision(database, {"ledger": "two"})


@pytest.mark.parametrize("statement", ["UPDATE entry SET event = 'x'", "DELETE FROM entry", "TRUNCATE entry"])
async def test_nobody_changes_an_entry_neither_the_service_nor_the_owner(
    database: str, ledger_url: str, statement: str
) -> None:
    owner = await asyncpg.connect(database)
    await owner.execute("INSERT INTO entry VALUES (0, now(), 'accepted', NULL, '{}', sha256(''))")
    service = await asyncpg.connect(ledger_url)
    for connection in (owner, service):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
        await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM message",
        "DELETE FROM cohort",
        "UPDATE refusal SET problem = 'x'",
        "UPDATE participant SET status = 'active'",
        "INSERT INTO api_token VALUES ('x')",
        "DROP TABLE entry",
        "ALTER TABLE entry DISABLE TRIGGER append_only",
        "CREATE TABLE mine (x int)",
    ],
)
async def test_the_services_role_may_do_no_more_than_its_work(ledger_url: str, statement: str) -> None:
    service = await asyncpg.connect(ledger_url)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(statement)
    await service.close()


async def test_a_cohort_that_does_not_add_up_cannot_be_written(database: str) -> None:
    owner = await asyncpg.connect(database)
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(
            "INSERT INTO cohort VALUES ('recipient', '41', 'national', 'case.assist', '2026-11',"
            " 2, 1, 0, 0, 0, 0, 0, 0, 0)"
        )
    await owner.close()


async def test_every_named_statement_is_sound(ledger_url: str) -> None:
    service = await asyncpg.connect(ledger_url)
    for statement in [*WRITING.values(), *READING.values(), *RETENTION.values()]:
        await service.prepare(statement)
    await service.close()


async def test_a_month_is_closed_by_an_index_and_not_by_reading_all_messages(database: str) -> None:
    owner = await asyncpg.connect(database)
    # An empty table is read faster as it lies; what matters is that the view leads to the index.
    await owner.execute("SET enable_seqscan = off")
    lines = await owner.fetch("EXPLAIN " + WRITING["fix_cohorts"].replace("$1", "'2026-11'").replace("$2", "now()"))
    await owner.close()
    plan = "\n".join(line[0] for line in lines)
    assert "message_of_period" in plan
    assert "past_duty_of_period" in plan
    assert "Seq Scan" not in plan
