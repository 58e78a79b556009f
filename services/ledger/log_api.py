"""The log as files, for verifiers that nobody here wrote. Source: C2SP tlog-tiles, sections "Parameters" to "Log
entries".

What is served is what the published checkpoint covers, and nothing behind it: an entry that no checkpoint commits to
could still be lost.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import asyncpg
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.security import HTTPBearer

from contracts.notes import VerifierKey
from contracts.problems import ProblemError, ProblemType, echo
from contracts.tiles import TILE_WIDTH, EntryBundle, Tile, TileError, encode_bundle, parse_tile_path
from services.ledger.access import reader_of
from services.ledger.store import tiles
from services.ledger.store.connection import Connection
from services.registry.snapshot import Snapshot

Access = Literal["public", "participants"]

_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"
_FOR_EVER = "max-age=31536000, immutable"
_HIGHEST_LEVEL = 7
"""A tree of 2 ** 63 entries has no hash above it."""

TilePath = Annotated[
    str,
    Path(
        description="Level or `entries`, number in groups of three digits, and width where the tile is partial",
        examples=["0/000", "0/x001/067.p/8", "entries/000"],
    ),
]


def log_router(
    pool: "asyncpg.Pool[Any]", snapshot: Callable[[], Snapshot], keys: Sequence[VerifierKey], access: Access
) -> APIRouter:
    """The routes under ``/log``. ``keys`` are the log's present ones; ``access`` says whether a token is needed."""
    api = _LogAPI(pool, snapshot, keys, access)
    # It only documents the token: each handler asks who reads.
    token = [Depends(HTTPBearer(auto_error=False))] if access == "participants" else []
    router = APIRouter(prefix="/log", tags=["log"], dependencies=token)
    for path, handler, summary, media_type in (
        ("/checkpoint", api.checkpoint, "The newest checkpoint: a signed note", "text/plain"),
        ("/vkey", api.vkey, "The log's verifier keys, one a line", "text/plain"),
        ("/tile/{path:path}", api.tile, "A tile of the tree, or a bundle of entries", _BYTES),
    ):
        answer = {"description": "The file", "content": {media_type: {"schema": {"type": "string"}}}}
        router.get(path, summary=summary, response_class=Response, responses={200: answer})(handler)
    return router


class _LogAPI:
    """The handlers."""

    def __init__(
        self,
        pool: "asyncpg.Pool[Any]",
        snapshot: Callable[[], Snapshot],
        keys: Sequence[VerifierKey],
        access: Access,
    ) -> None:
        self._pool = pool
        self._snapshot = snapshot
        self._vkeys = "".join(f"{key}\n" for key in keys)
        self._access = access

    async def checkpoint(self, request: Request) -> Response:
        self._expect_reader(request)
        async with self._pool.acquire() as connection:
            published = await tiles.published(connection)
        if published is None:
            raise ProblemError(ProblemType.NOT_FOUND, "no checkpoint is published yet; ask again in a moment")
        return _file(published.note.encode(), _TEXT, "no-cache")

    async def vkey(self, request: Request) -> Response:
        self._expect_reader(request)
        return _file(self._vkeys.encode(), _TEXT, "no-cache")

    async def tile(self, request: Request, path: TilePath) -> Response:
        self._expect_reader(request)
        try:
            tile = parse_tile_path(f"tile/{path}")
        except TileError as error:
            raise ProblemError(ProblemType.NOT_FOUND, str(error)) from None
        async with self._pool.acquire() as connection:
            published = await tiles.published(connection)
            if not covers(0 if published is None else published.size, tile):
                raise ProblemError(
                    ProblemType.NOT_FOUND, f"the published checkpoint does not cover {echo(tile.path)} (yet)"
                )
            content = await _read(connection, tile)
        scope = "public" if self._access == "public" else "private"
        return _file(content, _BYTES, f"{scope}, {_FOR_EVER}" if tile.is_full else "no-cache")

    def _expect_reader(self, request: Request) -> None:
        if self._access == "participants":
            reader_of(request, self._snapshot())


def covers(size: int, tile: Tile | EntryBundle) -> bool:
    """Whether a tree of ``size`` leaves has all of ``tile``."""
    level = tile.level if isinstance(tile, Tile) else 0
    return level <= _HIGHEST_LEVEL and tile.number * TILE_WIDTH + tile.width <= size >> (8 * level)


async def _read(connection: Connection, tile: Tile | EntryBundle) -> bytes:
    if isinstance(tile, EntryBundle):
        return encode_bundle(await tiles.read_bundle(connection, tile))
    return (await tiles.read_tiles(connection, [tile]))[tile]


def _file(content: bytes, media_type: str, caching: str) -> Response:
    headers = {"Content-Type": media_type, "Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    return Response(content, headers=headers)
