"""What the services know of the registry: a versioned snapshot in memory, followed while it changes.

A service decides everything by its current snapshot and goes on with it while the database is away (design §3).
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType, TracebackType
from typing import Self

import asyncpg
import structlog

from contracts.addresses import ancestors
from contracts.directory import Directory
from contracts.kinds import Kind
from services.registry.parts import Participant, Parts, TokenOwner, load
from services.registry.tokens import token_hash

__all__ = ["REFRESH_TIMEOUT_S", "Participant", "Snapshot", "SnapshotWatcher", "TokenOwner"]

log = structlog.get_logger(__name__)

# One refresh may take this long, and each of its queries; a database that answers slower than this counts as away.
REFRESH_TIMEOUT_S = 20.0
# Addresses that are looked up repeat; how many are remembered is bounded, because a department may have any name.
_REMEMBERED_ADDRESSES = 65_536


class Snapshot:
    """The registry at one version; immutable."""

    def __init__(
        self,
        *,
        version: int,
        directory: Directory,
        kinds: dict[str, Kind],
        participants: dict[str, Participant],
        tokens: dict[bytes, TokenOwner],
    ) -> None:
        self.version = version
        self.directory = directory
        self.kinds: Mapping[str, Kind] = MappingProxyType(kinds)
        self.participants: Mapping[str, Participant] = MappingProxyType(participants)
        self._tokens = tokens
        self._remembering_nearest = lru_cache(_REMEMBERED_ADDRESSES)(self._nearest)

    def nearest(self, address: str) -> Participant | None:
        """The nearest participant at or above an address, whatever its status; raises AddressError."""
        return self._remembering_nearest(address)

    def owner_of(self, token: str) -> TokenOwner | None:
        """Whom the token stands for, or None when it is unknown or revoked."""
        return self._tokens.get(token_hash(token))

    def _nearest(self, address: str) -> Participant | None:
        found = (self.participants.get(above) for above in ancestors(address))
        return next((participant for participant in found if participant is not None), None)


# How old a snapshot may be that refuses somebody, and how long a reading of it is waited for.
_MOMENT_S = 0.05
_PATIENCE_S = 1.0


class SnapshotWatcher:
    """Keeps a current snapshot by asking for the registry's version every `interval_s` seconds.

    Entering it waits for the first snapshot, as long as that takes. While the database is away the last snapshot stays
    current, which is logged once; `age_seconds` says how long ago the snapshot was last known to be up to date.
    """

    def __init__(self, pool: asyncpg.Pool, interval_s: float = 1.0) -> None:
        self._pool = pool
        self._interval_s = interval_s
        self._parts: Parts | None = None
        self._current: Snapshot | None = None
        self._loaded = asyncio.Event()
        self._freshening = asyncio.Lock()
        self._confirmed_at = 0.0
        self._away = False
        self._callbacks: list[Callable[[Snapshot], None]] = []
        self._following: asyncio.Task[None] | None = None

    @property
    def current(self) -> Snapshot:
        """The newest snapshot; raises RuntimeError before the watcher is entered."""
        if self._current is None:
            raise RuntimeError("the snapshot watcher has not been entered yet")
        return self._current

    @property
    def age_seconds(self) -> float:
        """Seconds since the database last confirmed the current snapshot."""
        return time.monotonic() - self._confirmed_at

    async def fresh(self) -> Snapshot:
        """A snapshot that was up to date a moment ago, for what an older one would refuse.

        Whoever is added and comes at once is known then. It costs one query at most every `_MOMENT_S`, and no more than
        a second of waiting; while the database is away, it is the current one.
        """
        async with self._freshening:
            if not self._away and self.age_seconds > _MOMENT_S:
                refreshing = asyncio.ensure_future(self._refresh())
                await asyncio.wait((refreshing,), timeout=_PATIENCE_S)
        return self.current

    def on_change(self, callback: Callable[[Snapshot], None]) -> None:
        """Call `callback` with every new snapshot from now on; it must neither block nor raise."""
        self._callbacks.append(callback)

    async def __aenter__(self) -> Self:
        self._following = asyncio.create_task(self._follow(), name="registry snapshot")
        try:
            await self._loaded.wait()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            await self._refresh()
            await asyncio.sleep(self._interval_s)

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(REFRESH_TIMEOUT_S), self._pool.acquire() as connection:
                parts = await load(connection, self._parts)
        # Whatever keeps the registry from being read, the service goes on with the snapshot it has, and says so.
        except Exception as error:
            self._note_away(error)
            return
        self._note_back()
        self._confirmed_at = time.monotonic()
        if parts is not self._parts:
            self._replace(parts)
        self._loaded.set()

    def _replace(self, parts: Parts) -> None:
        self._parts = parts
        self._current = Snapshot(
            version=parts.versions.version,
            directory=parts.directory,
            kinds=parts.kinds,
            participants=parts.participants,
            tokens=parts.tokens,
        )
        log.info("registry_snapshot", version=self._current.version, participants=len(self._current.participants))
        for callback in self._callbacks:
            callback(self._current)

    def _note_away(self, error: Exception) -> None:
        if not self._away:
            log.warning("registry_unreadable", error=f"{type(error).__name__}: {error}")
        self._away = True

    def _note_back(self) -> None:
        if self._away:
            log.info("registry_readable")
        self._away = False
