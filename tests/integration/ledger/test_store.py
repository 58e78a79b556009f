"""The store: migrations make exactly the declared tables, and the database itself guards the log."""

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.ledger.store.faults import UnprovableLogError
from services.ledger.store.metadata import METADATA
from services.ledger.store.provision import migrate, provision
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
        "DELETE FROM tree_tile",
        "UPDATE tree_tile SET number = 1",
        "DELETE FROM checkpoint",
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


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tree_tile SET hashes = sha256('other')",
        "UPDATE tree_tile SET hashes = sha256('other') || sha256('')",
        "UPDATE tree_tile SET number = 1, hashes = hashes || sha256('')",
        "UPDATE checkpoint SET size = 6",
        "UPDATE checkpoint SET root = sha256('other')",
        "DELETE FROM tree_tile",
        "TRUNCATE tree_tile",
        "DELETE FROM checkpoint",
        "TRUNCATE checkpoint",
    ],
)
async def test_nobody_rewrites_the_tree_or_takes_a_checkpoint_back(database: str, statement: str) -> None:
    owner = await asyncpg.connect(database)
    await owner.execute("INSERT INTO tree_tile VALUES (1, 0, sha256(''))")
    await owner.execute("INSERT INTO checkpoint VALUES (true, 7, sha256(''), 'note', 1, now())")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute(statement)
    await owner.execute("UPDATE tree_tile SET hashes = hashes || sha256('next')")
    await owner.execute("UPDATE checkpoint SET size = 8, root = sha256('next')")
    await owner.close()


async def test_a_log_that_has_begun_is_refused(empty_database: str) -> None:
    await migrate(empty_database, "0002")
    owner = await asyncpg.connect(empty_database)
    await owner.execute("INSERT INTO entry VALUES (0, now(), 'accepted', NULL, '{}')")
    with pytest.raises(UnprovableLogError, match="another data directory"):
        await provision(empty_database, {})
    assert await owner.fetchval("SELECT count(*) FROM entry") == 1
    assert await owner.fetchval("SELECT version_num FROM alembic_version") == "0002"
    await owner.close()


async def test_a_log_that_is_empty_yet_becomes_a_tree(empty_database: str) -> None:
    await migrate(empty_database, "0002")
    await provision(empty_database, {})
    owner = await asyncpg.connect(empty_database)
    assert await owner.fetchval("SELECT count(*) FROM tree_tile") == 0
    await owner.close()


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


async def test_totals_are_loaded_by_an_index_and_not_by_reading_all_cohorts(database: str) -> None:
    owner = await asyncpg.connect(database)
    await owner.execute("SET enable_seqscan = off")
    keys = ("ARRAY['recipient']", "ARRAY['410102']", "ARRAY['national']", "ARRAY['2026-11']")
    statement = WRITING["totals"]
    for number, key in enumerate(keys, 1):
        statement = statement.replace(f"${number}", key)
    plan = "\n".join(line[0] for line in await owner.fetch("EXPLAIN " + statement))
    await owner.close()
    assert "Index Scan" in plan
    assert "Seq Scan" not in plan


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
