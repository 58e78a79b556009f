"""A private cluster of the PostgreSQL that Debian ships, for a stack that is to stand on an existing server."""

import asyncio
import os
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.cli.stack import postgres
from services.cli.stack.files import private_directory, write_private
from services.cli.stack.ports import HOST, choose
from services.cli.stack.unprivileged import disguise
from tests.acceptance.waiting import until

OWNER = "owner"


@asynccontextmanager
async def debian_postgres(directory: Path) -> AsyncIterator[str]:
    """The URL of an empty database's owner; the server is stopped afterwards."""
    programs = _programs()
    private_directory(directory)
    password = secrets.token_hex(16)
    write_private(directory / "password", password)
    way = disguise(programs / "postgres", directory)
    way.hand_over(directory)
    surroundings = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), "LANG": "C.UTF-8"}
    cluster, password_file = str(directory / "data"), str(directory / "password")
    initdb = [*way.prefix, str(programs / "initdb"), "-D", cluster, "-U", OWNER, "-A", "scram-sha-256"]
    initdb += ["--pwfile", password_file, "--encoding=UTF8", "--locale=C"]
    port = choose(directory, None, ["database"])["database"]
    with (directory / "log").open("wb") as log:
        made = await asyncio.create_subprocess_exec(*initdb, env=surroundings, stdout=log, stderr=log)
        assert await made.wait() == 0, (directory / "log").read_text()
        command = [*way.prefix, str(programs / "postgres"), "-D", cluster, *postgres.settings(port)]
        server = await asyncio.create_subprocess_exec(
            *command, env=surroundings, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    try:
        url = f"postgresql://{OWNER}:{password}@{HOST}:{port}"
        await until("Debian's PostgreSQL answers", lambda: postgres.answers(f"{url}/postgres"), within_s=60)
        await postgres.create_database(f"{url}/postgres", "exchange")
        yield f"{url}/exchange"
    finally:
        server.send_signal(signal.SIGINT)
        assert await server.wait() == 0


def _programs() -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda program: int(program.parts[4]))
    assert versions, "Debian's PostgreSQL is missing: `make test` installs it, or `apt-get install postgresql`"
    return versions[-1].parent
