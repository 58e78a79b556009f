"""Kinds in the registry: the built-in ones come with provisioning, an operator imports further ones."""

import json
from collections.abc import Iterable

from contracts.kinds import Kind, kind_from_definition
from services.registry.parts import KINDS
from services.registry.transactions import Connection, changing, record

ADD_KIND = (
    "INSERT INTO kind (name, definition) VALUES ($1, $2::text::jsonb) ON CONFLICT (name) DO NOTHING RETURNING true"
)
PUT_KIND = """
INSERT INTO kind (name, definition) VALUES ($1, $2::text::jsonb)
ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, imported_at = now()
RETURNING xmax = 0 AS is_new
"""


async def list_kinds(connection: Connection) -> list[Kind]:
    """The kinds that messages may be of, by name."""
    return [kind_from_definition(json.loads(row["definition"])) for row in await connection.fetch(KINDS)]


async def import_kind(connection: Connection, kind: Kind, *, actor: str) -> bool:
    """Add the kind, or replace the one of its name; True when it is new."""
    async with changing(connection, "kinds"):
        definition = json.dumps(kind.definition(), ensure_ascii=False)
        is_new: bool = await connection.fetchval(PUT_KIND, kind.name, definition)
        await record(connection, actor, "kind.import", kind.name, {"new": is_new, "definition": kind.definition()})
    return is_new


async def add_absent_kinds(connection: Connection, kinds: Iterable[Kind], *, actor: str) -> list[str]:
    """Add those of the kinds whose name is not there yet, and say which they were."""
    present = {kind.name for kind in await list_kinds(connection)}
    absent = [kind for kind in kinds if kind.name not in present]
    if not absent:
        return []
    async with changing(connection, "kinds"):
        for kind in absent:
            definition = json.dumps(kind.definition(), ensure_ascii=False)
            if await connection.fetchval(ADD_KIND, kind.name, definition):
                await record(
                    connection, actor, "kind.import", kind.name, {"new": True, "definition": kind.definition()}
                )
    return [kind.name for kind in absent]
