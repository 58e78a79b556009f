"""A file of one JSON line per fact, each on disk before whoever wrote it goes on. One fsync serves all who wait."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec


class Journal:
    """Appends to a file of its own. What ``write`` returned for survives whatever is killed."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._buffer: list[bytes] = []
        self._round: asyncio.Future[None] | None = None
        self._flushing: asyncio.Task[None] | None = None

    async def write(self, facts: Iterable[Mapping[str, Any]]) -> None:
        """Return when all of ``facts`` are on disk, in order."""
        lines = [msgspec.json.encode(fact) + b"\n" for fact in facts]
        if not lines:
            return
        self._buffer += lines
        if self._round is None:
            self._round = asyncio.get_running_loop().create_future()
        done = self._round
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        # The flush serves others as well; who stops waiting does not stop it.
        await asyncio.shield(done)

    async def close(self) -> None:
        """Close the file when everything is on disk."""
        if self._flushing is not None:
            await self._flushing
        os.close(self._descriptor)

    async def _flush(self) -> None:
        while self._buffer and self._round is not None:
            data, self._buffer = b"".join(self._buffer), []
            done, self._round = self._round, None
            await asyncio.to_thread(self._sync, data)
            if not done.done():
                done.set_result(None)
        self._flushing = None

    def _sync(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]
        os.fdatasync(self._descriptor)


def facts(path: Path) -> Iterator[dict[str, Any]]:
    """What stands in a journal. A last line that was cut off by a death was never acted on, and is left out."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield msgspec.json.decode(line)
