"""A ledger on a real database and witnesses that are processes of their own, over HTTP: growth, forks, backups, and a
witness that is killed at the worst moment.
"""

import asyncio
import signal
import time
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from contracts.cosignatures import cosigned_at
from services.ledger import publishing
from services.ledger.witness_file import WitnessAddress
from tests.integration.witness.logs import KEY, ORIGIN, copied, platform
from tests.integration.witness.running import running

TRUSTED = [KEY.verifier]


async def test_checkpoints_are_published_with_every_cosignature(database: str, tmp_path: Path) -> None:
    async with (
        running(tmp_path / "one", TRUSTED, "--name", "witness.example/w1") as one,
        running(tmp_path / "two", TRUSTED, "--name", "witness.example/w2") as two,
        platform(database, [one.address, two.address]) as ledger,
    ):
        before = 0
        for queries in (1, 3, 150):
            await ledger.grow(queries)
            checkpoint, note = await ledger.publish()
            assert [signature.name for signature in note.signatures] == [ORIGIN, one.key.name, two.key.name]
            for witness in (one, two):
                at = cosigned_at(witness.key, note)
                assert at is not None
                assert abs(at - time.time()) < 60
            before += 2 * queries
            assert checkpoint.size == before
        assert ledger.counted("cosigned") == 6
        async with httpx.AsyncClient(base_url=one.url, trust_env=False) as client:
            assert (await client.get("/healthz")).json() == {"status": "alive"}
            assert (await client.get("/readyz")).json()["checks"] == {"record": {"ok": True}}
            page = (await client.get("/metrics")).text
        assert f'huizhi_witness_size_entries{{origin="{ORIGIN}"}} 308.0' in page


async def test_a_witness_that_is_away_costs_the_limit_at_most_and_cosigns_when_it_is_back(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "_AGAIN_S", 0.0)
    async with running(tmp_path / "witness", TRUSTED) as first, platform(database, [first.address]) as ledger:
        await ledger.grow(1)
        await ledger.publish()
        assert await first.stop() == 0

        await ledger.grow(1)
        checkpoint, note = await ledger.publish()
        assert (checkpoint.size, len(note.signatures)) == (4, 1)
        assert ledger.counted("unreachable") == 1

        # It has the same key and the same record, at the same address.
        async with running(tmp_path / "witness", TRUSTED, port=first.port) as again:
            assert again.key == first.key
            # The log did not grow: what the checkpoint lacks is asked for all the same.
            _, note = await ledger.publish()
            assert cosigned_at(again.key, note) is not None


async def test_a_witness_that_never_answers_is_not_waited_for(database: str, tmp_path: Path) -> None:
    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running(tmp_path / "witness", TRUSTED) as witness:
        silent = WitnessAddress(witness.key, f"http://127.0.0.1:{port}")
        async with platform(database, [silent], timeout_s=0.5) as ledger:
            await ledger.grow(1)
            began = time.monotonic()
            checkpoint, note = await ledger.publish()
            assert time.monotonic() - began < 3
            assert (checkpoint.size, len(note.signatures), ledger.counted("unreachable")) == (2, 1, 1)
    assert held
    for writer in held:
        writer.close()
    server.close()


@pytest.mark.parametrize("more", [1, 2, 5], ids=["behind", "of the same size", "ahead"])
async def test_a_second_ledger_from_a_copy_is_refused_and_said(
    database: str, database_server: str, tmp_path: Path, more: int
) -> None:
    async with running(tmp_path / "witness", TRUSTED) as witness:
        async with platform(database, [witness.address]) as ledger:
            await ledger.grow(5)
            await ledger.publish()
        async with copied(database_server, database) as copy:
            async with platform(database, [witness.address]) as ledger:
                await ledger.grow(2)
                _, note = await ledger.publish()
                assert cosigned_at(witness.key, note) is not None
            async with platform(copy, [witness.address]) as second:
                await second.grow(more)
                with capture_logs() as logs:
                    checkpoint, note = await second.publish()
                assert checkpoint.size == 10 + 2 * more
                # It is published, for the log goes on; who looks for the witness's word does not find it.
                assert cosigned_at(witness.key, note) is None
                assert second.counted("disagrees") == 1
                (said,) = [line for line in logs if line["event"] == "witness_disagrees"]
                assert said["log_level"] == "error"
        async with platform(database, [witness.address]) as ledger:
            await ledger.grow(1)
            _, note = await ledger.publish()
            assert cosigned_at(witness.key, note) is not None
        said_by_witness = witness.said()
        assert ("fork_refused" in said_by_witness) == (more == 2)
        assert ("inconsistency_refused" in said_by_witness) == (more == 5)


async def test_an_old_backup_that_goes_on_is_refused_and_said(
    database: str, database_server: str, tmp_path: Path
) -> None:
    async with running(tmp_path / "witness", TRUSTED) as witness:
        async with platform(database, [witness.address]) as ledger:
            await ledger.grow(5)
            await ledger.publish()
        async with copied(database_server, database) as backup:
            async with platform(database, [witness.address]) as ledger:
                await ledger.grow(3)
                await ledger.publish()
            # Restored, as it stood: what was published after it is gone, and whoever asks the witness hears of it.
            async with platform(backup, [witness.address]) as restored:
                for queries, said in (
                    (1, "cosigned 16 entries, and the log has 12"),
                    (4, "does not go on from the 16"),
                ):
                    await restored.grow(queries)
                    with capture_logs() as logs:
                        _, note = await restored.publish()
                    assert cosigned_at(witness.key, note) is None
                    if queries == 1:
                        (line,) = [line for line in logs if line["event"] == "witness_disagrees"]
                        assert said in line["detail"]
                assert restored.counted("disagrees") == 2


async def test_a_witness_killed_between_recording_and_answering_never_cosigns_a_fork(
    database: str, database_server: str, tmp_path: Path
) -> None:
    marker = tmp_path / "killed"
    directory = tmp_path / "witness"
    async with running(directory, TRUSTED) as witness:
        async with platform(database, [witness.address]) as ledger:
            await ledger.grow(5)
            await ledger.publish()
        await witness.stop()
    kill = {"HUIZHI_KILL_POINT": f"witness.recorded:1:{marker}"}
    async with copied(database_server, database) as copy:
        async with running(directory, TRUSTED, port=witness.port, **kill) as mortal:
            async with platform(database, [mortal.address]) as ledger:
                await ledger.grow(1)
                _, note = await ledger.publish()
            assert cosigned_at(mortal.key, note) is None
            assert await mortal.process.wait() == -signal.SIGKILL
            assert marker.exists()
        async with running(directory, TRUSTED, port=witness.port) as again:
            async with platform(copy, [again.address]) as second:
                await second.grow(1)
                _, note = await second.publish()
                assert cosigned_at(again.key, note) is None
                assert second.counted("disagrees") == 1
                await second.grow(1)
                _, note = await second.publish()
                assert cosigned_at(again.key, note) is None
                assert second.counted("disagrees") == 2
            async with platform(database, [again.address]) as ledger:
                _, note = await ledger.publish()
                assert cosigned_at(again.key, note) is not None
