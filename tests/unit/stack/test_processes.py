"""A process is known by more than its pid."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.cli.stack.down import stop_stack
from services.cli.stack.processes import ProcessBook, ProcessIdentity


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs until it is signalled."""
    with subprocess.Popen(["sleep", "1000"]) as process:
        yield process
        process.kill()


def identity_of(process: subprocess.Popen[bytes]) -> ProcessIdentity:
    identity = ProcessIdentity.of("sleeper", process.pid)
    assert identity is not None
    return identity


def test_a_running_process_is_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    assert identity_of(sleeper).send(signal.SIGTERM)
    assert sleeper.wait(10) == -signal.SIGTERM


def test_another_process_with_the_same_pid_is_never_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper)
    for other in (replace(identity, started=identity.started - 1), replace(identity, boot="an earlier one")):
        assert not other.is_alive()
        assert not other.send(signal.SIGKILL)
    assert sleeper.poll() is None


def test_a_process_that_ended_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    identity = identity_of(sleeper)
    sleeper.kill()
    # Still a zombie or already reaped: dead either way.
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.is_alive()
    sleeper.wait()
    assert not identity.is_alive()
    assert not identity.send(signal.SIGKILL)


def test_the_book_is_read_as_it_was_written(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    path = tmp_path / "processes.json"
    book = ProcessBook(path)
    book.record(identity_of(sleeper))
    assert ProcessBook.read(path).alive() == [identity_of(sleeper)]
    book.forget("sleeper")
    assert ProcessBook.read(path).alive() == []


def test_down_stops_what_a_killed_up_left_behind(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    ProcessBook(tmp_path / "processes.json").record(identity_of(sleeper))
    said: list[str] = []
    stop_stack(tmp_path, said.append)
    assert sleeper.wait(10) == -signal.SIGTERM
    assert said[-1] == "stopped"


def test_down_says_so_when_nothing_runs(tmp_path: Path) -> None:
    said: list[str] = []
    stop_stack(tmp_path, said.append)
    assert said == [f"nothing runs in {tmp_path}"]
