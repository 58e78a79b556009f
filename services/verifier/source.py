"""The public files of a log over HTTP. Nothing is cached, and no answer is trusted to be of a bearable size.

Source: C2SP tlog-tiles, section "APIs".
"""

import asyncio
from types import TracebackType
from typing import Protocol, Self

import httpx

from contracts.leaf import MAX_LEAF_BYTES
from contracts.tiles import TILE_WIDTH, EntryBundle, Tile
from services.verifier.errors import SourceError

AT_A_TIME = 16
"""How many files are asked for at the same time."""

_ATTEMPTS = 4
_TIMEOUT = httpx.Timeout(60, connect=10)
_LARGEST_CHECKPOINT = 65_536
# A bundle's entries stand behind two bytes of length each; a tile's hashes are much shorter than that.
_LARGEST_FILE = TILE_WIDTH * (2 + MAX_LEAF_BYTES)
_NOT_FOR_US = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)


class Source(Protocol):
    """Where a log's files come from. Every method raises SourceError where it cannot be known what the log says."""

    async def checkpoint(self) -> bytes:
        """The newest signed checkpoint."""
        ...

    async def file(self, name: Tile | EntryBundle) -> bytes | None:
        """A tile or an entry bundle; None where the log says that it has none."""
        ...


class HTTPSource:
    """A log behind a URL; a context manager. ``url`` is the ledger's or that of its ``/log``.

    ``transport`` takes the place of the network.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        pause_s: float = 0.25,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        base = url.rstrip("/")
        self.prefix = base if base.endswith("/log") else f"{base}/log"
        headers = {"Accept-Encoding": "gzip, identity"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._slots = asyncio.Semaphore(AT_A_TIME)
        self._pause_s = pause_s
        try:
            self._client = httpx.AsyncClient(
                base_url=f"{self.prefix}/", headers=headers, timeout=_TIMEOUT, transport=transport
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise SourceError(f"{url[:200]!r} is no URL: {error}") from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def checkpoint(self) -> bytes:
        """The newest signed checkpoint."""
        content = await self._get("checkpoint", _LARGEST_CHECKPOINT)
        if content is None:
            raise SourceError(f"there is no log at {self.prefix}: it has no checkpoint")
        return content

    async def file(self, name: Tile | EntryBundle) -> bytes | None:
        """A tile or an entry bundle; None where the log says that it has none.

        A partial one may be gone once it is full (C2SP tlog-tiles, "Partial Tiles"): its beginning is cut off the full
        one by the caller, who is given more than was asked for.
        """
        content = await self._get(name.path, _LARGEST_FILE)
        if content is None and name.width < TILE_WIDTH:
            full = Tile(name.level, name.number) if isinstance(name, Tile) else EntryBundle(name.number)
            content = await self._get(full.path, _LARGEST_FILE)
        return content

    async def _get(self, path: str, most: int) -> bytes | None:
        async with self._slots:
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    return await self._attempt(path, most)
                except _FailureError:
                    # What fails again and again while everything else is there is not served.
                    if attempt == _ATTEMPTS:
                        return None
                    await asyncio.sleep(self._pause_s * 2**attempt)
                except (httpx.TransportError, _AgainError) as error:
                    if attempt == _ATTEMPTS:
                        said = str(error) or type(error).__name__
                        raise SourceError(f"{self.prefix}/{path} does not answer: {said}") from error
                    await asyncio.sleep(self._pause_s * 2**attempt)
                except httpx.HTTPError as error:
                    raise SourceError(f"{self.prefix}/{path} does not answer in HTTP: {error}") from error
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, path: str, most: int) -> bytes | None:
        async with self._client.stream("GET", path) as answer:
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            if answer.status_code in _NOT_FOR_US:
                raise SourceError(
                    f"{self.prefix} asks for a token (status {answer.status_code}); give one with --token"
                )
            if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
                raise _FailureError
            if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                raise _AgainError(f"status {answer.status_code}")
            if answer.status_code != httpx.codes.OK:
                raise SourceError(f"{self.prefix}/{path} answered with status {answer.status_code}")
            content = bytearray()
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > most:
                    raise SourceError(f"{self.prefix}/{path} is longer than {most:,} bytes, the most that it can be")
        return bytes(content)


class _FailureError(Exception):
    """The log cannot make this one file."""


class _AgainError(Exception):
    """A status that may be another one in a moment."""
