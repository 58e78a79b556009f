"""The disk of its own that chaos fills: full means full, and it is empty again afterwards."""

import errno
from pathlib import Path

import pytest

from tests.faults.chaos.volume import volume


def test_a_full_volume_takes_not_one_byte_more_until_it_is_relieved(tmp_path: Path) -> None:
    with volume(tmp_path / "disk", megabytes=4) as disk:
        disk.fill()
        with pytest.raises(OSError, match="No space left") as refusal:
            (disk.path / "data").write_bytes(b"x")
        disk.relieve()
        (disk.path / "data").write_bytes(b"x")

    assert refusal.value.errno == errno.ENOSPC
    assert not list((tmp_path / "disk").iterdir())


def test_a_volume_that_is_nearly_filled_has_as_much_left_as_was_asked_for(tmp_path: Path) -> None:
    with volume(tmp_path / "disk", megabytes=4) as disk:
        disk.fill(leave=1024**2)

        assert disk.free == 1024**2
