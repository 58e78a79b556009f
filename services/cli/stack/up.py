"""Brings a stack up and holds it: the composition root of `huizhi up`, for the demonstration and for tests as well."""

import asyncio
import fcntl
import os
import resource
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.cli.errors import StackError
from services.cli.stack import down, install, servers
from services.cli.stack.credentials import SERVICES, Credentials
from services.cli.stack.existing import ExistingServers
from services.cli.stack.files import private_directory
from services.cli.stack.instances import Instance, Surroundings, names
from services.cli.stack.ports import choose
from services.cli.stack.processes import ProcessBook, ProcessIdentity
from services.cli.stack.progress import Terminal
from services.cli.stack.proof_key import proof_key
from services.cli.stack.provisioning import provision
from services.cli.stack.stack_file import ServiceAddress, StackFile
from services.cli.stack.supervisor import Supervisor
from services.cli.stack.waiting import together

READY_WITHIN_S = 90.0
OPEN_FILES = 65_536


@dataclass(frozen=True, slots=True)
class Options:
    """What stack is wanted: its directory, its ports (None: a free block), and how many instances of each service."""

    directory: Path
    port_base: int | None = None
    counts: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 1))


@asynccontextmanager
async def running_stack(options: Options, terminal: Terminal) -> AsyncIterator[StackFile]:
    """A stack that is up and ready inside the `async with`, and stopped, with its data kept, after it.

    Raises StackError when it cannot come up; whatever was started is stopped then too.
    """
    directory = private_directory(options.directory.resolve())
    existing = ExistingServers.of_environment(os.environ)
    with _only_one(directory):
        await _clear_away(directory, terminal)
        if existing.amqp_url is None:
            await asyncio.to_thread(install.missing_packages, terminal.say)
        await existing.check()
        instances = names(options.counts)
        ports = choose(directory, options.port_base, [*servers.places(existing), *instances])
        book = ProcessBook(directory / "processes.json")
        _record_itself(book)
        supervisor = Supervisor(book, terminal.say)
        try:
            stack = await _bring_up(
                directory, existing, instances=instances, ports=ports, supervisor=supervisor, terminal=terminal
            )
            stack.write(directory)
            yield stack
        finally:
            StackFile.remove(directory)
            with terminal.step("stopping"):
                await supervisor.stop()
            book.forget("up")


async def _bring_up(
    directory: Path,
    existing: ExistingServers,
    *,
    instances: Mapping[str, str],
    ports: Mapping[str, int],
    supervisor: Supervisor,
    terminal: Terminal,
) -> StackFile:
    _raise_open_files()
    credentials = Credentials.of_directory(directory)
    logs = private_directory(directory / "logs")
    reached = await servers.start(
        directory, existing, credentials=credentials, ports=ports, supervisor=supervisor, terminal=terminal
    )
    with terminal.step("database and broker provisioned"):
        await provision(reached, credentials)
    started = [Instance(name, service, ports[name]) for name, service in instances.items()]
    key = proof_key(directory)
    surroundings = Surroundings(reached.database_url, reached.amqp_url, credentials, logs, key)
    await together(*(_start_instance(instance, surroundings, supervisor, terminal) for instance in started))
    addresses = {instance.name: instance.url for instance in started}
    return StackFile(
        amqp_url=reached.amqp_url,
        broker_api_url=reached.broker_api_url,
        gateway_url=addresses["gateway"],
        ledger_url=addresses["ledger"],
        database_url=reached.database_url,
        admin_token=credentials.admin_token,
        services=tuple(ServiceAddress(name, url) for name, url in addresses.items()),
    )


async def _start_instance(
    instance: Instance, surroundings: Surroundings, supervisor: Supervisor, terminal: Terminal
) -> None:
    with terminal.step(instance.name):
        await supervisor.start(surroundings.program(instance))
        await supervisor.until_ready(instance.name, instance.is_ready, within_s=READY_WITHIN_S)


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError(
                f"a stack is already up in {directory}; stop it with `huizhi down --data {directory}`, "
                "or give the second one another directory"
            ) from None
        yield


async def _clear_away(directory: Path, terminal: Terminal) -> None:
    """Stop what an `up` that was killed left running: two brokers on one data directory would destroy it."""
    left = ProcessBook.read(directory / "processes.json").alive()
    if left:
        terminal.say(f"an earlier `huizhi up` was killed and left {', '.join(p.name for p in left)} running")
        await asyncio.to_thread(down.stop_processes, left, terminal.say)
    StackFile.remove(directory)


def _record_itself(book: ProcessBook) -> None:
    if identity := ProcessIdentity.of("up", os.getpid()):
        book.record(identity)


def _raise_open_files() -> None:
    """A broker with a connection for each participant needs more files than a shell allows by default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft == resource.RLIM_INFINITY or soft > wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
