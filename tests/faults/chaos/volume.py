"""A small disk of its own for a server's data, which can be filled without harm to anybody else."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


class MountError(Exception):
    """A volume cannot be mounted here."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A tmpfs, mounted. Its memory is used as it fills."""

    path: Path

    @property
    def ballast(self) -> Path:
        """The file that takes up the room."""
        return self.path / "ballast"

    @property
    def free(self) -> int:
        """How many bytes are left."""
        state = os.statvfs(self.path)
        return state.f_bavail * state.f_frsize

    def fill(self, leave: int = 0) -> int:
        """Fill it up to ``leave`` bytes, against whoever frees some meanwhile; how many bytes that took."""
        size = 0
        with self.ballast.open("wb") as file:
            while (room := self.free - leave) > 0:
                # Whoever else takes some of the room just now takes it from the next try.
                with suppress(OSError):
                    os.posix_fallocate(file.fileno(), size, room)
                    size += room
        return size

    def relieve(self) -> None:
        """Take the ballast out again."""
        self.ballast.unlink(missing_ok=True)


@contextmanager
def volume(path: Path, megabytes: int) -> Iterator[Volume]:
    """A volume at ``path``, gone with everything on it afterwards. Raises MountError, saying what is needed."""
    path.mkdir(mode=0o700, parents=True)
    options = f"size={megabytes}m,mode=0700"
    mounting = ["mount", "-t", "tmpfs", "-o", options, "huizhi-chaos", str(path)]
    done = subprocess.run(mounting, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise MountError(
            f"a full disk cannot be shown without a disk of its own, and mounting a tmpfs at {path} is not permitted "
            f"here ({done.stderr.strip()}): run as root, in a container with CAP_SYS_ADMIN"
        )
    try:
        yield Volume(path)
    finally:
        # Lazily: a server that was killed may still be on its way out.
        subprocess.run(["umount", "--lazy", str(path)], check=True)
