"""Alembic's environment: runs on the connection that ``services.ledger.store.provision`` hands it."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel.sql.sqltypes import AutoString

from services.ledger.store.metadata import METADATA


def render_item(kind: str, item: object, _autogenerate: AutogenContext) -> str | Literal[False]:
    """SQLModel's own string type is PostgreSQL's varchar; a migration says so without importing it."""
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


with_connection = context.config.attributes["connection"]
context.configure(
    connection=with_connection,
    target_metadata=METADATA,
    compare_type=True,
    compare_server_default=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
