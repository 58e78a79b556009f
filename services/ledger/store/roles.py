"""The database roles of the services, and what each may do: nothing that its work does not need.

Roles belong to the whole server, so their names begin with the database's: ``<database>_gateway``,
``<database>_router``, ``<database>_ledger``. No service may change or delete an entry of the log; a trigger refuses it
to the owner as well.
"""

from typing import Any

import asyncpg

SERVICES = ("gateway", "router", "ledger")

REGISTRY_TABLES = (
    "jurisdiction",
    "jurisdiction_change",
    "directory_edition",
    "participant",
    "api_token",
    "kind",
    "registry_version",
)
APPEND_ONLY_TABLES = ("entry", "refusal", "set_aside", "past_duty", "closing", "closed_cohort")
_READ = ", ".join(REGISTRY_TABLES)
_GRANTS = {
    "gateway": [f"GRANT SELECT ON {_READ} TO {{role}}"],
    "router": [f"GRANT SELECT ON {_READ} TO {{role}}"],
    "ledger": [
        f"GRANT SELECT ON {_READ} TO {{role}}",
        f"GRANT SELECT, INSERT ON {', '.join(APPEND_ONLY_TABLES)} TO {{role}}",
        "GRANT SELECT, INSERT, UPDATE ON message, cohort TO {role}",
        "GRANT SELECT, UPDATE ON log_head TO {role}",
        # Triggers see to it that tiles grow at their end only, and that the checkpoint never goes back.
        "GRANT SELECT, INSERT, UPDATE (hashes) ON tree_tile TO {role}",
        "GRANT SELECT, INSERT, UPDATE ON checkpoint TO {role}",
        "GRANT SELECT ON duty TO {role}",
    ],
}


def role_name(database: str, service: str) -> str:
    """The role that ``service`` connects as."""
    return f"{database}_{service}"


async def ensure_roles(connection: "asyncpg.Connection[Any]", passwords: dict[str, str]) -> None:
    """Make or refresh the role of each service in ``passwords``; grants are set anew to exactly what is listed here.

    Raises asyncpg.InsufficientPrivilegeError where the owner may not create roles.
    """
    database = await connection.fetchval("SELECT current_database()")
    for service, password in passwords.items():
        role = role_name(database, service)
        quoted = '"' + role.replace('"', '""') + '"'
        exists = await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role)
        secret = await connection.fetchval("SELECT quote_literal($1)", password)
        verb = "ALTER" if exists else "CREATE"
        await connection.execute(f"{verb} ROLE {quoted} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {secret}")
        await connection.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {quoted}")
        for grant in _GRANTS[service]:
            await connection.execute(grant.format(role=quoted))
