"""A peer at the exchange's task: its program, from ``tests/bench/peers``, with a vhost and a database of its own.

What it is given is what the exchange is given: queries in a quorum queue, forty recipients in turn, each with a quorum
queue to its name.
"""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aio_pika
import asyncpg

from services.cli.stack.broker_settings import ADMINISTRATOR
from services.cli.stack.files import private_directory
from tests.acceptance.waiting import until
from tests.bench.amqpload import PAYLOAD_BYTES, running
from tests.bench.exchange import Miscounted
from tests.bench.throughput import Round
from tests.bench.usage import Meter, server_pids
from tests.conftest import in_database
from tests.faults.harness.instance import client, inherited
from tests.faults.harness.servers import Servers, execute

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements-peers.txt"
_VENV = _HERE.parents[1] / ".venv" / "peers"
_INGRESS = "ingress"
_READY_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    """How a peer is run, how it wants its messages, and which question counts what it has committed.

    ``wrapped`` are the words around the payload, and ``headers`` what goes with it.
    """

    name: str
    command: Sequence[str]
    consumers: int
    committed: str
    table: str = ""
    wrapped: tuple[str, str] = ("", "")
    headers: Sequence[str] = ()
    id_header: str | None = None


# A process for each of the two cores. Celery's own words for a message are its task protocol, version 2.
FASTSTREAM = Program(
    name="FastStream",
    command=("faststream", "run", "faststream_peer:app", "--workers", "2", "--log-level", "warning"),
    consumers=2,
    table="CREATE TABLE message (id uuid PRIMARY KEY, recipient text NOT NULL, digest bytea NOT NULL)",
    committed="SELECT count(*) FROM message",
)
CELERY = Program(
    name="Celery",
    command=("celery", "--app", "celery_peer", "worker", "--concurrency", "2", "--loglevel", "WARNING"),
    consumers=1,
    committed="SELECT count(*) FROM celery_taskmeta WHERE status = 'SUCCESS'",
    wrapped=("[[", "], {}, " + json.dumps({"callbacks": None, "errbacks": None, "chain": None, "chord": None}) + "]"),
    headers=("task=peer.forward", "lang=py"),
    id_header="id",
)


@dataclass(slots=True)
class Peer:
    """A peer that runs."""

    program: Program
    servers: Servers
    amqp_url: str
    database_url: str
    directory: Path
    recipients: Sequence[str]
    process: asyncio.subprocess.Process
    _committed: int = field(default=0, init=False)

    async def queries(self, count: int) -> Round:
        """Publish so many and drain them from the inboxes. Raises Miscounted and LoadFailed."""
        ids, to_file, inboxes = self.directory / "ids", self.directory / "recipients", self._inboxes()
        to_file.write_text("\n".join(self.recipients) + "\n")
        before, after = self.program.wrapped
        meter = Meter({**server_pids(self.servers), "peer": self.process.pid})
        async with (
            running("drain", self.amqp_url, count=count, from_=",".join(inboxes), ids=str(ids), idle=60) as drain,
            running(
                "publish",
                self.amqp_url,
                count=count,
                key=_INGRESS,
                type="query",
                size=PAYLOAD_BYTES,
                to_file=str(to_file),
                header=self.program.headers,
                id_header=self.program.id_header,
                before=before or None,
                after=after or None,
            ) as publish,
        ):
            published, read = await publish.done(), await drain.done()
        measured = Round.of(published, read, [], meter.used())
        await self._check(count, ids)
        return measured

    async def _check(self, count: int, ids: Path) -> None:
        different = len(set(ids.read_text().split()))
        self._committed += count
        if different != count:
            raise Miscounted(f"{self.program.name}: {different} different messages were read of {count}")
        connection = await asyncpg.connect(self.database_url)
        try:

            async def committed() -> bool:
                return bool(await connection.fetchval(self.program.committed) == self._committed)

            await until(f"{self.program.name} has committed {self._committed} rows", committed)
        finally:
            await connection.close()

    def _inboxes(self) -> list[str]:
        return [f"inbox.{one}" for one in self.recipients]

    async def declare(self) -> None:
        """Make the queues."""
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()
            for name in (_INGRESS, *self._inboxes()):
                await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})

    async def ready(self) -> None:
        """Wait until as many of its processes read the queue as there are to be."""
        async with await aio_pika.connect(self.amqp_url) as connection:
            channel = await connection.channel()

            async def reads() -> bool:
                assert self.process.returncode is None, f"{self.program.name} ended:\n{self.last_words()}"
                queue = await channel.declare_queue(_INGRESS, passive=True)
                return queue.declaration_result.consumer_count == self.program.consumers

            await until(f"{self.program.name} reads", reads, within_s=_READY_WITHIN_S)

    def last_words(self) -> str:
        """The end of its log."""
        return (self.directory / "log").read_text(errors="replace")[-3000:]


def install() -> None:
    """Make the peers' venv, unless it is there as it is to be."""
    stamp = _VENV / ".installed"
    if stamp.exists() and stamp.read_text() == _REQUIREMENTS.read_text():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(_VENV)], check=True)
    pip = [str(_VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--requirement", str(_REQUIREMENTS)], check=True)
    stamp.write_text(_REQUIREMENTS.read_text())


@asynccontextmanager
async def peer(program: Program, servers: Servers, directory: Path, recipients: Sequence[str]) -> AsyncIterator[Peer]:
    """A running peer, gone afterwards with its vhost and its database."""
    await asyncio.to_thread(install)
    name = f"bench-{program.name.lower()}-{secrets.token_hex(4)}"
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    database_url = in_database(servers.database, name)
    await execute(servers.database, f'CREATE DATABASE "{name}"')
    async with client(base_url=servers.broker.api_url) as api:
        (await api.put(f"/api/vhosts/{name}")).raise_for_status()
        (await api.put(f"/api/permissions/{name}/{ADMINISTRATOR}", json=everything)).raise_for_status()
        process = None
        try:
            if program.table:
                await execute(database_url, program.table)
            amqp_url = servers.broker.amqp_url(name)
            environment = {**inherited(), "PEER_AMQP_URL": amqp_url, "PEER_DATABASE_URL": database_url}
            process = await _start(program, environment, private_directory(directory))
            one = Peer(program, servers, amqp_url, database_url, directory, recipients, process)
            await one.declare()
            await one.ready()
            yield one
        finally:
            if process is not None:
                await _end(process)
            (await api.delete(f"/api/vhosts/{name}")).raise_for_status()
            await execute(servers.database, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _start(program: Program, environment: Mapping[str, str], directory: Path) -> asyncio.subprocess.Process:
    command, *arguments = program.command
    with (directory / "log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            str(_VENV / "bin" / command),
            *arguments,
            cwd=_HERE / "peers",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def _end(process: asyncio.subprocess.Process, within_s: float = 20.0) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), within_s)
        except TimeoutError:
            # It leads a session of its own, in which its workers are.
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
