"""`huizhi log witness` as its operator sees it."""

import asyncio
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from contracts.cosignatures import CosigningKey
from tests.integration.witness.logs import KEY
from tests.integration.witness.running import command, running

TRUSTED = [KEY.verifier]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_prints_what_the_platform_needs_and_stops_when_it_is_told_to(
    tmp_path: Path, number: signal.Signals
) -> None:
    directory = tmp_path / "witness"
    async with running(directory, TRUSTED, "--name", "witness.example/w1") as witness:
        assert witness.printed[:2] == ["witness witness.example/w1", f"vkey {witness.key}"]
        assert "HUIZHI_PROOF_WITNESSES" in "\n".join(witness.printed)
        assert stat.S_IMODE((directory / "witness.pem").stat().st_mode) == 0o600
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert await witness.stop(number) == 0
    async with running(directory, TRUSTED) as again:
        assert again.key == witness.key


async def test_what_keeps_it_from_running_is_said_in_a_sentence(tmp_path: Path) -> None:
    directory = tmp_path / "witness"
    async with running(directory, TRUSTED) as witness:
        for words, said in (
            (command(directory, TRUSTED), f"another witness runs in {directory}"),
            (command(tmp_path / "other", TRUSTED, witness.port), "cannot listen on 127.0.0.1"),
        ):
            await refused(words, said)
        await witness.stop()
    (directory / "witness.sqlite3").rename(tmp_path / "lost")
    await refused(command(directory, TRUSTED), "witness.sqlite3 is missing; put it back")
    (tmp_path / "lost").rename(directory / "witness.sqlite3")
    await refused(command(directory, TRUSTED, 0, "--name", "another"), "another name is for another directory")
    await refused(command(directory, [CosigningKey.generate("w").verifier]), "this is a witness's key")
    await refused(command(directory, [tmp_path / "none"]), "no verifier key, and no file that can be read")
    await refused(command(tmp_path / "third", TRUSTED, 0, "--name", "a b"), "cannot name a witness")


async def refused(words: list[str], said: str) -> None:
    process = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    printed, messages = await process.communicate()
    assert process.returncode == 1
    assert printed == b""
    lines = messages.decode().splitlines()
    assert said in lines[-1]
    assert lines[-1].startswith("huizhi: ")
    assert "Traceback" not in messages.decode()
