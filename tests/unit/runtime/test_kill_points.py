"""Kill points: inert without their variable, exact with it, and only once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.runtime import kill_points
from services.runtime.kill_points import VARIABLE, KillPoint, KillPointError

THREE_TIMES = """
from services.runtime.kill_points import reached
for number in range(1, 4):
    reached("elsewhere")
    reached("here", "queue")
    print(number, flush=True)
"""


def run(setting: str | None) -> tuple[int, str]:
    """Exit status and output of a process that reaches ``here.queue`` three times."""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if setting is not None:
        environment[VARIABLE] = setting
    done = subprocess.run(
        [sys.executable, "-c", THREE_TIMES], env=environment, check=False, capture_output=True, text=True
    )
    return done.returncode, done.stdout


def test_nothing_is_armed_without_the_variable() -> None:
    assert kill_points._armed is None  # noqa: SLF001 - That is what makes it inert.
    assert run(None) == (0, "1\n2\n3\n")


def test_a_process_is_killed_at_the_point_at_the_count_and_only_once(tmp_path: Path) -> None:
    setting = f"here.queue:2:{tmp_path / 'marker'}"

    assert run(setting) == (-9, "1\n")
    assert (tmp_path / "marker").exists()
    assert run(setting) == (0, "1\n2\n3\n")


@pytest.mark.parametrize("text", ["here", "here:0:/m", "here:x:/m", "here:1:", ":1:/m", "here:1:/m:WAIT"])
def test_what_cannot_be_read_is_refused_by_name(text: str) -> None:
    with pytest.raises(KillPointError, match=VARIABLE):
        KillPoint.parse(text)
