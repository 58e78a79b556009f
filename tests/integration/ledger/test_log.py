"""The log as files: what is served is what the leaves make, what the checkpoint covers, and nothing else."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from contracts.checkpoints import open_checkpoint
from contracts.leaf import decode_leaf
from contracts.merkle import Frontier, leaf_hash, verify_consistency
from contracts.notes import VerifierKey
from contracts.tiles import (
    TILE_WIDTH,
    EntryBundle,
    Tile,
    consistency_path,
    consistency_tiles,
    decode_bundle,
    root,
    root_tiles,
    tiles_of,
)
from services.ledger.retention import forget
from services.ledger.store import tiles, writing
from services.ledger.store.faults import DamagedTreeError, is_away
from services.ledger.tree import leaf_of
from tests.integration.ledger.published import ORIGIN, Published, reading
from tests.integration.ledger.records import answer, intake, query, refused
from tests.unit.ledger.lives import dispatched


async def served_leaves(client: httpx.AsyncClient, size: int) -> list[bytes]:
    """All leaves, as a verifier reads them."""
    leaves: list[bytes] = []
    for number in range(-(-size // TILE_WIDTH)):
        bundle = EntryBundle(number, min(TILE_WIDTH, size - number * TILE_WIDTH))
        leaves += decode_bundle((await client.get(f"/log/{bundle.path}")).content)
    return leaves


async def served_tiles(client: httpx.AsyncClient, wanted: set[Tile]) -> dict[Tile, bytes]:
    """The contents of tiles."""
    return {tile: (await client.get(f"/log/{tile.path}")).raise_for_status().content for tile in wanted}


async def some_life(log: Published, rounds: int, seed: int) -> None:
    """Batches of all sizes."""
    chance = random.Random(seed)
    for _ in range(rounds):
        queries = [query(chance.choice(("410102", "410103")), "310115") for _ in range(chance.choice((1, 2, 30, 150)))]
        await log.take(intake(*queries, refused()))
        await log.take(*(dispatched(one) for one in queries))
        await log.take(intake(*(answer(one) for one in queries if chance.random() < 0.9)))


async def test_what_is_served_is_made_of_the_leaves_and_they_of_the_rows(pool: asyncpg.Pool) -> None:
    log = Published(pool)
    await some_life(log, 9, seed=4)
    first, _ = await log.checkpoint()
    # Another process goes on with the same log.
    log = Published(pool, log.key)
    await some_life(log, 3, seed=5)
    checkpoint, _ = await log.checkpoint()
    assert checkpoint.size == await pool.fetchval("SELECT count(*) FROM entry") > first.size > 2 * TILE_WIDTH

    async with reading(pool, [log.key]) as client:
        vkey = (await client.get("/log/vkey")).text
        assert vkey == f"{log.key.verifier}\n"
        note = (await client.get("/log/checkpoint")).content
        assert open_checkpoint(note, [VerifierKey.parse(vkey.strip())], ORIGIN)[0] == checkpoint

        leaves = await served_leaves(client, checkpoint.size)
        frontier = Frontier()
        for leaf in leaves:
            frontier.append(leaf_hash(leaf))
        assert frontier.root() == checkpoint.root
        every = await served_tiles(client, set(tiles_of(checkpoint.size)))
        assert root(checkpoint.size, {tile: every[tile] for tile in root_tiles(checkpoint.size)}) == checkpoint.root
        level_0 = b"".join(every[tile] for tile in sorted(every) if tile.level == 0)
        assert level_0 == b"".join(map(leaf_hash, leaves))
        grown = await served_tiles(client, consistency_tiles(first.size, checkpoint.size))
    path = consistency_path(first.size, checkpoint.size, grown)
    verify_consistency(first.size, first.root, checkpoint.size, checkpoint.root, path)

    rows = await pool.fetch("SELECT index, at, event, message_id, data, leaf_hash FROM entry ORDER BY index")
    for row, leaf in zip(rows, leaves, strict=True):
        assert row["leaf_hash"] == leaf_hash(leaf)
        assert decode_leaf(leaf).data == json.loads(row["data"])


async def test_the_tree_goes_on_over_the_end_of_a_tile_of_tiles(pool: asyncpg.Pool, database: str) -> None:
    size = TILE_WIDTH * TILE_WIDTH - 3
    owner = await asyncpg.connect(database)
    await owner.execute(
        "INSERT INTO entry SELECT n, now(), 'refused', NULL, '{}', sha256(n::text::bytea)"
        " FROM generate_series(0, $1) AS n",
        size - 1,
    )
    await owner.execute("UPDATE log_head SET size = $1", size)
    hashes = [row["leaf_hash"] for row in await owner.fetch("SELECT leaf_hash FROM entry ORDER BY index")]
    await writing.grow_tree(owner, 0, hashes)
    await owner.close()

    log = Published(pool)
    for count in (1, 1, 3, TILE_WIDTH):
        await log.take(intake(*(query() for _ in range(count))))
    checkpoint, _ = await log.checkpoint()

    frontier = Frontier()
    for row in await pool.fetch("SELECT leaf_hash FROM entry ORDER BY index"):
        frontier.append(row["leaf_hash"])
    assert (checkpoint.size, checkpoint.root) == (frontier.size, frontier.root())
    rows = await pool.fetch("SELECT level, count(*) AS tiles FROM tree_tile GROUP BY level")
    assert {row["level"]: row["tiles"] for row in rows} == {1: 2, 2: 1}


async def test_only_what_the_checkpoint_covers_is_served(pool: asyncpg.Pool) -> None:
    log = Published(pool)
    async with reading(pool) as client:
        assert (await client.get("/log/checkpoint")).status_code == httpx.codes.NOT_FOUND
        await log.take(intake(*(query() for _ in range(300))))
        assert (await client.get("/log/tile/0/000")).status_code == httpx.codes.NOT_FOUND
        await log.checkpoint()
        await log.take(intake(*(query() for _ in range(300))))

        covered = ["0/000", "0/000.p/7", "0/001.p/44", "1/000.p/1", "entries/000", "entries/001.p/44"]
        not_covered = ["0/001", "0/001.p/45", "0/002.p/1", "1/000.p/2", "2/000.p/1", "entries/001.p/45", "63/000.p/1"]
        for path in covered:
            answer = await client.get(f"/log/tile/{path}")
            assert answer.status_code == httpx.codes.OK, path
            assert answer.headers["content-type"] == "application/octet-stream"
            full = ".p/" not in path
            assert answer.headers["cache-control"] == ("public, max-age=31536000, immutable" if full else "no-cache")
        for path in not_covered:
            assert (await client.get(f"/log/tile/{path}")).status_code == httpx.codes.NOT_FOUND, path


@pytest.mark.parametrize(
    "path",
    [
        *("", "0", "0/0", "00/000", "64/000", "-1/000", "data/000", "entries/0", "entries/000.p/", "0/٠٠٠", "0/000%00"),
        *("0/000/", "0/000.p/0", "0/000.p/256", "0/000.p/07", "0/x000/001", "0/001/067", "0/x1234/067"),
        "0/" + "x999/" * 7 + "999",
    ],
)
async def test_what_is_no_tiles_path_is_not_there(pool: asyncpg.Pool, path: str) -> None:
    log = Published(pool)
    await log.take(intake(query()))
    await log.checkpoint()
    async with reading(pool) as client:
        answer = await client.get(f"/log/tile/{path}")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.json()["type"] == "urn:huizhi:problem:not-found"


async def test_a_platform_may_ask_for_a_token(pool: asyncpg.Pool) -> None:
    log = Published(pool)
    await log.take(intake(*(query() for _ in range(256))))
    await log.checkpoint()
    paths = ("/log/checkpoint", "/log/vkey", "/log/tile/0/000")
    async with reading(pool, access="participants") as client:
        assert {(await client.get(path)).status_code for path in paths} == {httpx.codes.UNAUTHORIZED}
    for token in ("310115", "administrator"):
        async with reading(pool, access="participants", token=token) as client:
            answers = [await client.get(path) for path in paths]
        assert {answer.status_code for answer in answers} == {httpx.codes.OK}
        # What one may read, a cache between must not show another.
        assert answers[2].headers["cache-control"] == "private, max-age=31536000, immutable"


async def test_forgetting_what_was_said_changes_no_leaf(pool: asyncpg.Pool, database: str) -> None:
    log, asked = Published(pool), query()
    await log.take(intake(asked))
    await log.take(dispatched(asked))
    said = answer(asked)
    await log.take(intake(said))
    await log.take(dispatched(said, asked.origin))
    checkpoint, _ = await log.checkpoint()
    async with reading(pool) as client:
        before = await served_leaves(client, checkpoint.size)
        owner: asyncpg.Connection[Any] = await asyncpg.connect(database)
        assert (await forget(owner, datetime.now(UTC) + timedelta(days=1), actor="test")).total() == 2
        await owner.close()
        assert await served_leaves(client, checkpoint.size) == before
    assert (await log.checkpoint())[0] == checkpoint


async def test_an_entry_that_was_altered_in_the_database_no_longer_makes_its_leaf(
    pool: asyncpg.Pool, database: str
) -> None:
    log = Published(pool)
    await log.take(intake(query()))
    owner: asyncpg.Connection[Any] = await asyncpg.connect(database)
    await owner.execute("ALTER TABLE entry DISABLE TRIGGER append_only")
    await owner.execute("""UPDATE entry SET data = jsonb_set(data, '{to}', '"410199"')""")
    await owner.close()
    row = await pool.fetchrow("SELECT index, at, event, message_id, data, leaf_hash FROM entry")
    assert row is not None
    leaf = leaf_of(row["index"], row["at"], row["event"], row["message_id"], json.loads(row["data"]))
    assert leaf_hash(leaf) != row["leaf_hash"]


async def test_a_tree_that_lacks_hashes_is_not_appended_to_and_no_record_is_blamed(
    pool: asyncpg.Pool, database: str
) -> None:
    log = Published(pool)
    await log.take(intake(*(query() for _ in range(10))))
    owner: asyncpg.Connection[Any] = await asyncpg.connect(database)
    await owner.execute("ALTER TABLE entry DISABLE TRIGGER append_only")
    await owner.execute("DELETE FROM entry WHERE index = 3")
    await owner.close()
    with pytest.raises(DamagedTreeError) as damaged:
        await log.take(intake(*(query() for _ in range(300))))
    assert is_away(damaged.value)
    with pytest.raises(DamagedTreeError):
        async with pool.acquire() as connection:
            await tiles.read_leaves(connection, [2, 3])
    assert await pool.fetchval("SELECT size FROM log_head") == 10
