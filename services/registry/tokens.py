"""Bearer tokens of the HTTP APIs: random, shown once, and stored as their SHA-256.

A plain hash is enough for a token of 256 random bits: there is nothing to guess, unlike with a password.
"""

import hashlib
import secrets

from services.registry.transactions import Connection, changing, record

_BYTES = 32

INSERT_ADMINISTRATOR = """
INSERT INTO api_token (sha256, role) VALUES ($1, 'administrator') ON CONFLICT (sha256) DO NOTHING RETURNING true
"""
HAS_TOKEN = "SELECT EXISTS (SELECT FROM api_token WHERE sha256 = $1 AND revoked_at IS NULL)"  # noqa: S105 - a query.


def new_token() -> str:
    """A new token, in characters that need no escaping in a header, a URL or a shell."""
    return secrets.token_urlsafe(_BYTES)


def token_hash(token: str) -> bytes:
    """What of a token is stored: its SHA-256, 32 bytes."""
    # Text from the outside may hold lone surrogates, which UTF-8 does not take.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def ensure_administrator_token(connection: Connection, token: str, *, actor: str) -> None:
    """Make `token` an administrator's token, when it is not one already."""
    if await connection.fetchval(HAS_TOKEN, token_hash(token)):
        return
    async with changing(connection, "participants"):
        if await connection.fetchval(INSERT_ADMINISTRATOR, token_hash(token)):
            await record(connection, actor, "token.add", "administrator", {})
