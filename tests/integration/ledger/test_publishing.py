"""Publishing: what is signed goes on from what was signed, whoever publishes, and never goes back."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from contracts.checkpoints import open_checkpoint
from contracts.merkle import EMPTY_ROOT, MerkleError, verify_consistency
from contracts.notes import SigningKey, open_note, parse_note
from services.ledger import publishing
from services.ledger.keys import KeyFileError, read_keys
from services.ledger.publishing import OtherLogError, Publisher
from services.ledger.store.faults import DamagedTreeError
from services.runtime.lifecycle import Stop
from tests.acceptance.waiting import until
from tests.integration.ledger.published import ORIGIN, Published, Witness
from tests.integration.ledger.records import intake, query
from tests.integration.ledger.unwitnessed import NoWitnesses


async def note_of(pool: asyncpg.Pool) -> str:
    note: str = await pool.fetchval("SELECT note FROM checkpoint")
    return note


async def test_an_empty_log_is_published_and_then_what_it_has_and_nothing_twice(pool: asyncpg.Pool) -> None:
    log = Published(pool)
    first, _ = await log.checkpoint()
    assert (first.size, first.root) == (0, EMPTY_ROOT)
    assert await log.publisher.publish() is None
    await log.take(intake(query(), query()))
    second, _ = await log.checkpoint()
    assert second.size == 2
    at = await pool.fetchval("SELECT published_at FROM checkpoint")
    assert await log.publisher.publish() is None
    assert await pool.fetchval("SELECT published_at FROM checkpoint") == at


async def test_two_ledgers_publish_one_log_that_only_grows(pool: asyncpg.Pool) -> None:
    log = Published(pool)
    other = Published(pool, log.key)
    stop, seen = Stop(), []
    for one in (log, other):
        one.publisher = Publisher(pool, ORIGIN, [log.key], NoWitnesses(), interval_s=0.005)
    publishing_ = [asyncio.create_task(one.publisher.run(stop)) for one in (log, other)]
    for _ in range(40):
        await log.take(intake(*(query() for _ in range(20))))
        seen.append(await pool.fetchval("SELECT coalesce(max(size), 0) FROM checkpoint"))

    async def all_published() -> bool:
        return bool(await pool.fetchval("SELECT size FROM checkpoint") == 800)

    await until("all is published", all_published, within_s=20)
    stop.set()
    await asyncio.gather(*publishing_)
    assert seen == sorted(seen)
    assert log.publisher.check() is other.publisher.check() is None
    open_checkpoint(await note_of(pool), [log.key.verifier], ORIGIN)


async def test_a_publisher_that_comes_late_does_not_put_an_older_checkpoint_back(pool: asyncpg.Pool) -> None:
    gate, asked = asyncio.Event(), asyncio.Event()

    class Slow(Witness):
        async def cosign(self, *of: Any) -> Any:
            asked.set()
            await gate.wait()
            return await super().cosign(*of)

    log = Published(pool)
    slow = Published(pool, log.key, Slow(SigningKey.generate("slow.example")))
    await log.take(intake(query()))
    late = asyncio.create_task(slow.publisher.publish())
    await asked.wait()
    await log.take(intake(query()))
    await log.checkpoint()
    gate.set()
    assert (await late) is not None
    assert await pool.fetchval("SELECT size FROM checkpoint") == 2


async def test_witnesses_get_a_proof_from_what_they_know_and_are_asked_again_when_they_were_away(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = Witness(SigningKey.generate("witness.example"))
    log = Published(pool, cosigner=witness)
    for size in (3, 300, 1):
        await log.take(intake(*(query() for _ in range(size))))
        await log.checkpoint()
    for old, new, proof in zip(witness.seen, witness.seen[1:], witness.proofs[1:], strict=False):
        verify_consistency(old.size, old.root, new.size, new.root, proof)
    assert [one.size for one in witness.seen] == [3, 303, 304]

    witness.away = True
    await log.take(intake(query()))
    assert len((await log.checkpoint())[1].signatures) == 1
    witness.away = False
    # Not at once: whoever is away, is away for a while.
    assert await log.publisher.publish() is None
    monkeypatch.setattr(publishing, "_AGAIN_S", 0.0)
    checkpoint, note = await log.checkpoint()
    assert checkpoint.size == 305
    assert open_note(note, [*witness.keys, log.key.verifier]) == [log.key.verifier, *witness.keys]
    assert await log.publisher.publish() is None


async def test_keys_are_changed_by_having_both_sign_for_a_while(pool: asyncpg.Pool) -> None:
    old, new = SigningKey.generate(ORIGIN), SigningKey.generate(ORIGIN)
    log = Published(pool, old)
    await log.take(intake(query()))
    await log.checkpoint()
    both = Publisher(pool, ORIGIN, [old, new], NoWitnesses())
    # The log has not grown, and whoever trusts the new key only can check it already.
    assert await both.publish() is not None
    open_checkpoint(await note_of(pool), [new.verifier], ORIGIN)
    open_checkpoint(await note_of(pool), [old.verifier], ORIGIN)
    await log.take(intake(query()))
    await Publisher(pool, ORIGIN, [new], NoWitnesses()).publish()
    assert open_note(parse_note(await note_of(pool)), [old.verifier, new.verifier]) == [new.verifier]


async def test_a_log_that_was_published_under_another_name_is_not_published(pool: asyncpg.Pool) -> None:
    log = Published(pool)
    await log.take(intake(query()))
    await log.checkpoint()
    await log.take(intake(query()))
    other = Publisher(pool, "huizhi.example/41/0", [SigningKey.generate("huizhi.example/41/0")], NoWitnesses())
    with pytest.raises(OtherLogError):
        await other.publish()
    await runs_into_trouble(other)
    assert await pool.fetchval("SELECT size FROM checkpoint") == 1


async def runs_into_trouble(publisher: Publisher) -> None:
    """Run it until it says why it publishes nothing."""
    stop = Stop()
    running = asyncio.create_task(publisher.run(stop))

    async def says_so() -> bool:
        return publisher.check() is not None

    await until("it says what is the matter", says_so, within_s=10)
    stop.set()
    await running


@pytest.mark.parametrize(
    ("tampering", "error"),
    [
        ("UPDATE entry SET leaf_hash = sha256('other') WHERE index = 2", MerkleError),
        ("DELETE FROM entry WHERE index = 2", DamagedTreeError),
        ("UPDATE log_head SET size = 3", DamagedTreeError),
    ],
)
async def test_a_log_that_contradicts_what_was_published_is_not_signed(
    pool: asyncpg.Pool, database: str, tampering: str, error: type[Exception]
) -> None:
    log = Published(pool)
    await log.take(intake(*(query() for _ in range(5))))
    before, _ = await log.checkpoint()
    await log.take(intake(query()))
    owner: asyncpg.Connection[Any] = await asyncpg.connect(database)
    await owner.execute("ALTER TABLE entry DISABLE TRIGGER append_only")
    await owner.execute(tampering)
    with pytest.raises(error):
        await log.publisher.publish()
    await runs_into_trouble(log.publisher)
    assert await pool.fetchval("SELECT size FROM checkpoint") == before.size
    await owner.close()


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    key = SigningKey.generate(ORIGIN)
    path.write_bytes(key.to_pem())
    for mode in (0o640, 0o604, 0o666, 0o610):
        path.chmod(mode)
        with pytest.raises(KeyFileError, match="chmod 600"):
            read_keys([path], ORIGIN)
    path.chmod(stat.S_IRUSR)
    assert [one.verifier for one in read_keys([path], ORIGIN)] == [key.verifier]


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", SigningKey.generate(ORIGIN).to_pem()[:60]], ids=["empty", "nonsense", "cut short"]
)
def test_a_file_without_a_key_is_refused_and_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=r"key\.pem"):
        read_keys([path], ORIGIN)
    with pytest.raises(KeyFileError, match=r"nothing\.pem"):
        read_keys([tmp_path / "nothing.pem"], ORIGIN)
    with pytest.raises(KeyFileError):
        read_keys([], ORIGIN)
