"""What the commands on the registry share: the way to database and broker of a stack, and who is put on record."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from contracts.directory import Directory
from services.cli.context import stack
from services.cli.errors import CommandError
from services.registry.accounts import BrokerAPI, amqp_vhost
from services.registry.errors import RegistryError
from services.registry.participants import Participants
from services.registry.parts import current_directory
from services.registry.transactions import Connection
from services.runtime.settings import QueueSettings, SettingsError, read_settings
from services.runtime.topology import QueueLimits

Result = TypeVar("Result")


def on_database(data: Path, work: Callable[[Connection], Awaitable[Result]]) -> Result:
    """Do `work` on the owner's connection to the stack's database; raises CommandError."""

    async def connected() -> Result:
        async with _database(data) as connection:
            return await work(connection)

    return _run(connected)


def on_participants(data: Path, work: Callable[[Participants, Directory], Awaitable[Result]]) -> Result:
    """Do `work` on the participants of the stack, with its directory at hand; raises CommandError."""

    async def connected() -> Result:
        addresses = stack(data)
        queues = read_settings(QueueSettings)
        async with (
            _database(data) as connection,
            BrokerAPI(addresses.broker_api_url, amqp_vhost(addresses.amqp_url)) as broker,
        ):
            participants = Participants(
                connection,
                broker,
                amqp_url=addresses.amqp_url,
                limits=QueueLimits(queues.internal_bytes, queues.inbox_bytes),
                actor=actor(),
            )
            return await work(participants, await current_directory(connection))

    return _run(connected)


def actor() -> str:
    """Who is put on record for what this command does: the user of the operating system."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@asynccontextmanager
async def _database(data: Path) -> AsyncIterator[Connection]:
    try:
        connection = await asyncpg.connect(stack(data).database_url)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise CommandError(f"the stack's database does not answer ({error}); is the stack in {data} up?") from error
    try:
        yield connection
    finally:
        await connection.close()


def _run(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    try:
        return asyncio.run(work())
    except (RegistryError, SettingsError) as error:
        raise CommandError(str(error)) from error
