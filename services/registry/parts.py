"""Reading the registry's parts from the database, each only when it changed since it was read last."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

import asyncpg

from contracts.changes import Change
from contracts.directory import Directory, Jurisdiction
from contracts.kinds import Kind, kind_from_definition
from services.registry.errors import NotProvisioned
from services.registry.transactions import Connection

# The directory has some 42,000 rows. Taken this many at a time, no step of reading it holds the event loop for long.
_ROWS_A_STEP = 1_000

VERSIONS = "SELECT version, directory, participants, kinds FROM registry_version"
JURISDICTIONS = "SELECT code, name, level, parent FROM jurisdiction WHERE valid_until IS NULL"
# Codes of earlier editions that none of today's jurisdictions has.
RETIRED_CODES = """
SELECT DISTINCT code FROM jurisdiction AS past WHERE NOT EXISTS (
    SELECT FROM jurisdiction AS present WHERE present.code = past.code AND present.valid_until IS NULL
)
"""
CHANGES = """
SELECT year, change, old_code, old_name, new_code, new_name, document FROM jurisdiction_change ORDER BY year, id
"""
PARTICIPANTS = "SELECT address, name, status FROM participant"
LIVE_TOKENS = "SELECT sha256, role, address FROM api_token WHERE revoked_at IS NULL"
KINDS = "SELECT definition::text FROM kind ORDER BY name"


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant as the services see it."""

    address: str
    name: str
    status: Literal["active", "disabled"]

    @property
    def active(self) -> bool:
        """Whether it may send and be sent to."""
        return self.status == "active"


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """Whom a bearer token stands for: a participant by its address, or an administrator, who has none."""

    role: Literal["participant", "administrator"]
    address: str | None


@dataclass(frozen=True, slots=True)
class Versions:
    """The registry's version, and the version at which each part of it last changed."""

    version: int
    directory: int
    participants: int
    kinds: int


@dataclass(frozen=True, slots=True)
class Parts:
    """The registry's parts at one version. Tokens are by their SHA-256."""

    versions: Versions
    directory: Directory
    participants: dict[str, Participant]
    tokens: dict[bytes, TokenOwner]
    kinds: dict[str, Kind]


async def load(connection: Connection, known: Parts | None) -> Parts:
    """The registry's parts as of now; `known` itself when nothing changed since.

    Raises NotProvisioned when there is no registry, KindError when a kind's definition is none, and the errors of
    asyncpg.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        row = await connection.fetchrow(VERSIONS)
        if row is None:
            raise NotProvisioned("the database holds no registry yet")
        versions = Versions(*row)
        if known is not None and known.versions == versions:
            return known
        return await _load_changed(connection, versions, known)


async def _load_directory(connection: Connection) -> Directory:
    jurisdictions = [Jurisdiction(*row) async for row in _rows(connection, JURISDICTIONS)]
    changes = [Change(*row) async for row in _rows(connection, CHANGES)]
    retired = [row["code"] for row in await connection.fetch(RETIRED_CODES)]
    # What the changes tell of each code takes a while to work out, and nothing else is to wait for it.
    return await asyncio.to_thread(Directory.of, jurisdictions, changes, retired)


async def current_directory(connection: Connection) -> Directory:
    """The directory alone, as the database holds it now."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _load_directory(connection)


async def _load_changed(connection: Connection, versions: Versions, known: Parts | None) -> Parts:
    if known is None or known.versions.directory != versions.directory:
        directory = await _load_directory(connection)
    else:
        directory = known.directory
    if known is None or known.versions.participants != versions.participants:
        participants, tokens = await _load_participants(connection)
    else:
        participants, tokens = known.participants, known.tokens
    if known is None or known.versions.kinds != versions.kinds:
        kinds = await _load_kinds(connection)
    else:
        kinds = known.kinds
    return Parts(versions, directory, participants, tokens, kinds)


async def _load_participants(connection: Connection) -> tuple[dict[str, Participant], dict[bytes, TokenOwner]]:
    participants = {row["address"]: Participant(*row) async for row in _rows(connection, PARTICIPANTS)}
    tokens = {row["sha256"]: TokenOwner(row["role"], row["address"]) async for row in _rows(connection, LIVE_TOKENS)}
    return participants, tokens


async def _load_kinds(connection: Connection) -> dict[str, Kind]:
    kinds = [kind_from_definition(json.loads(row["definition"])) for row in await connection.fetch(KINDS)]
    return {kind.name: kind for kind in kinds}


async def _rows(connection: Connection, query: str) -> AsyncIterator[asyncpg.Record]:
    cursor = await connection.cursor(query)
    while rows := await cursor.fetch(_ROWS_A_STEP):
        for row in rows:
            yield row
