"""The sequencer on a real database: once, in order, by one writer, and all or nothing."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest
from msgspec import structs

from contracts.batch import LedgerBatch, Outbound, decode_dispatch
from contracts.period import Calendar
from services.ledger import head
from services.ledger.conservation import broken_cohorts, miscounted_cohorts
from services.ledger.handover import dispatches
from services.ledger.head import FencedError
from services.ledger.records import Decision
from services.ledger.sequencer import Sequencer, Tenure
from tests.integration.ledger.records import answer, dispatched, intake, query, refused

CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))


def a_sequencer(pool: asyncpg.Pool) -> Sequencer:
    return Sequencer(pool, CALENDAR, lambda address: address, lambda _name: None)


async def totals(pool: asyncpg.Pool, role: str = "recipient") -> tuple[int, int, int]:
    row = await pool.fetchrow(
        "SELECT coalesce(sum(received), 0)::int, coalesce(sum(answered), 0)::int, coalesce(sum(unanswered), 0)::int"
        " FROM cohort WHERE role = $1",
        role,
    )
    assert row is not None
    return row[0], row[1], row[2]


async def all_holds(pool: asyncpg.Pool) -> bool:
    async with pool.acquire() as connection:
        return not await broken_cohorts(connection) and not await miscounted_cohorts(connection)


async def test_queries_and_answers_are_counted_for_both_roles_and_a_recount_agrees(pool: asyncpg.Pool) -> None:
    sequencer = a_sequencer(pool)
    queries = [query(to, sender) for to, sender in (("410102", "310115"), ("410103", "410102"), ("410102", "410103"))]
    await sequencer.take([intake(*queries)])
    await sequencer.take([dispatched(*queries)])
    await sequencer.take([intake(answer(queries[0]), answer(queries[1])), intake(refused())])
    assert await totals(pool) == await totals(pool, "sender") == (3, 2, 1)
    assert await all_holds(pool)
    rows = await pool.fetch("SELECT index, at FROM entry ORDER BY index")
    assert [row["index"] for row in rows] == list(range(11))
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


async def test_everything_taken_twice_is_counted_once(pool: asyncpg.Pool) -> None:
    sequencer = a_sequencer(pool)
    first = query()
    batches: list[LedgerBatch] = [intake(first, refused()), dispatched(first), intake(answer(first))]
    for batch in [*batches, *batches]:
        await sequencer.take([batch])
    assert await totals(pool) == (1, 1, 0)
    assert await pool.fetchval("SELECT count(*) FROM entry") == 5
    assert await pool.fetchval("SELECT count(*) FROM refusal") == 1
    assert await all_holds(pool)


def receipts(decision: Decision) -> list[Outbound]:
    """The receipts that are handed over because of a decision."""
    batches = [decode_dispatch(publication.body) for publication in dispatches(decision)]
    return [message for batch in batches for message in batch.messages if message.type == "receipt"]


async def test_a_receipt_names_the_leaf_and_is_the_same_when_its_batch_comes_again(pool: asyncpg.Pool) -> None:
    sequencer = a_sequencer(pool)
    asked = [query("410102", "310115"), query("410103", "310115"), query("410102", "410103")]
    batch = intake(*asked)
    first, _ = await sequencer.take([batch])
    await sequencer.take([intake(query())])
    # In one transaction with what is new.
    again, _ = await sequencer.take([batch, intake(query("410102", "310115"))])
    said, said_again = receipts(first), receipts(again)
    assert len(said) == 2
    for receipt in said:
        (twin,) = [other for other in said_again if other.id == receipt.id]
        assert twin.payload == receipt.payload
        for item in msgspec.json.decode(receipt.payload)["accepted"]:
            hashed = await pool.fetchval("SELECT leaf_hash FROM entry WHERE index = $1", item["entry"])
            assert item["leaf"] == hashed.hex()


async def test_the_senders_number_is_on_the_ledger_whatever_became_of_the_message(pool: asyncpg.Pool) -> None:
    sequencer = a_sequencer(pool)
    one, two = structs.replace(query(), sequence=1), structs.replace(query(), sequence=2)
    other = structs.replace(query(), id=one.id, sequence=3)
    await sequencer.take([intake(one, two, query(), structs.replace(refused(), sequence=4), other)])
    rows = await pool.fetch("SELECT event, data->'sequence' AS number FROM entry ORDER BY index")
    assert [(row["event"], row["number"]) for row in rows] == [
        *(("accepted", "1"), ("accepted", "2"), ("accepted", None)),
        *(("refused", "4"), ("refused", "3")),
    ]


async def test_each_counter_knows_the_newest_entry_that_moved_it(pool: asyncpg.Pool) -> None:
    sequencer = a_sequencer(pool)
    queries = [query(to, sender) for to, sender in (("410102", "310115"), ("410103", "310115"))]
    await sequencer.take([intake(*queries)])
    await sequencer.take([dispatched(*queries)])
    await sequencer.take([intake(answer(queries[0]))])
    rows = await pool.fetch("SELECT role, address, entry FROM cohort ORDER BY role, address")
    assert [tuple(row) for row in rows] == [
        ("recipient", "410102", 5),
        ("recipient", "410103", 3),
        ("sender", "310115", 5),
    ]


async def stated(pool: asyncpg.Pool) -> list[tuple[int, int]]:
    """What the entries state of the cohorts of 410102, as recipient, in order: received, answered."""
    rows = await pool.fetch(
        "SELECT (data->'totals'->'recipient'->>'received')::int, (data->'totals'->'recipient'->>'answered')::int"
        " FROM entry WHERE data ? 'totals' ORDER BY index"
    )
    return [(row[0], row[1]) for row in rows]


async def test_totals_go_on_over_other_writers_and_over_what_failed(pool: asyncpg.Pool) -> None:
    first, second = a_sequencer(pool), a_sequencer(pool)
    queries = [query() for _ in range(6)]
    await first.take([intake(*queries)])
    await first.take([dispatched(queries[0])])
    with pytest.raises(ValueError, match="not on the ledger"):
        await first.take([dispatched(queries[1], query())])
    await first.take([dispatched(queries[1])])
    await second.take([dispatched(queries[2]), intake(answer(queries[0]))])
    with pytest.raises(FencedError):
        await first.take([dispatched(queries[3])])
    first.release()
    await first.take([dispatched(queries[3])])
    await first.take([intake(answer(queries[3]))])
    assert await stated(pool) == [(1, 0), (2, 0), (3, 0), (3, 1), (4, 1), (4, 2)]


async def test_totals_that_a_transaction_moved_in_vain_are_not_gone_on_from(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = a_sequencer(pool)
    queries = [query() for _ in range(3)]
    await writer.take([intake(*queries)])
    await writer.take([dispatched(queries[0])])

    async def fail(*_arguments: object) -> None:
        raise OSError("the line was cut")

    with monkeypatch.context() as cut:
        cut.setattr(head, "advance", fail)
        with pytest.raises(OSError, match="cut"):
            await writer.take([dispatched(queries[1])])
    await writer.take([dispatched(queries[2])])
    await writer.take([dispatched(queries[1])])
    assert await stated(pool) == [(1, 0), (2, 0), (3, 0)]


async def test_a_writer_that_was_taken_over_commits_nothing(pool: asyncpg.Pool) -> None:
    old, new = a_sequencer(pool), a_sequencer(pool)
    await old.take([intake(query())])
    await new.take([intake(query())])
    with pytest.raises(FencedError):
        await old.take([intake(query())])
    assert await pool.fetchval("SELECT count(*) FROM message") == 2
    old.release()
    await old.take([intake(query())])
    with pytest.raises(FencedError):
        await new.take([intake(query())])


async def test_a_batch_in_hand_is_not_written_under_an_epoch_claimed_after_it_was_tried(pool: asyncpg.Pool) -> None:
    old, new = a_sequencer(pool), a_sequencer(pool)
    await old.take([intake(query())])
    in_hand, tenure = [intake(query())], Tenure()
    await old.take(in_hand, tenure)
    await new.take([intake(query())])
    # Another consumer of the old writer has opened: what that one delivers may claim the log, what was in hand may not.
    old.release()
    with pytest.raises(FencedError):
        await old.take(in_hand, tenure)
    await old.take([intake(query())])


async def test_a_paused_transaction_holds_the_head_no_longer_than_its_limit(
    pool: asyncpg.Pool, ledger_url: str
) -> None:
    paused = await asyncpg.connect(ledger_url, server_settings={"idle_in_transaction_session_timeout": "500"})
    epoch = await paused.fetchval("UPDATE log_head SET epoch = epoch + 1 RETURNING epoch")
    transaction = paused.transaction()
    await transaction.start()
    await paused.fetchrow("SELECT size FROM log_head WHERE epoch = $1 FOR UPDATE", epoch)
    await asyncio.wait_for(a_sequencer(pool).take([intake(query())]), timeout=20)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await transaction.commit()
    assert await pool.fetchval("SELECT size FROM log_head") == 1


async def test_a_batch_that_fails_leaves_nothing_behind(pool: asyncpg.Pool) -> None:
    sequencer = a_sequencer(pool)
    known, unknown = query(), query()
    with pytest.raises(ValueError, match="not on the ledger"):
        await sequencer.take([intake(known), dispatched(known, unknown)])
    assert await pool.fetchval("SELECT size FROM log_head") == 0
    assert await pool.fetchval("SELECT count(*) FROM message") == 0


async def test_a_cancelled_caller_does_not_cut_a_commit_off(pool: asyncpg.Pool) -> None:
    sequencer = a_sequencer(pool)
    queries = [query() for _ in range(300)]
    taking = asyncio.create_task(sequencer.take([intake(*queries)]))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    await sequencer.take([intake(query())])
    assert await pool.fetchval("SELECT size FROM log_head") == 301
    assert await pool.fetchval("SELECT count(*) FROM message") == 301


async def test_conservation_names_the_cohort_that_was_tampered_with(pool: asyncpg.Pool, database: str) -> None:
    sequencer, first = a_sequencer(pool), query()
    await sequencer.take([intake(first)])
    await sequencer.take([dispatched(first)])
    owner: asyncpg.Connection[Any] = await asyncpg.connect(database)
    await owner.execute("UPDATE cohort SET received = 2, unanswered = 2 WHERE role = 'recipient'")
    await owner.close()
    async with pool.acquire() as connection:
        broken = await broken_cohorts(connection)
        recounted = await miscounted_cohorts(connection)
    assert [(row["address"], row["unanswered"], row["unanswered_messages"]) for row in broken] == [("410102", 2, 1)]
    assert [(row["received"], row["received_entries"]) for row in recounted] == [(2, 1)]
