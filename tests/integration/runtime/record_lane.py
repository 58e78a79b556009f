"""Records the lane's exchange with a RabbitMQ of its own: ``python -m tests.integration.runtime.record_lane``.

Overwrites what ``tests/unit/runtime/lane/test_recorded.py`` replays.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import aio_pika
from aiormq import spec
from aiormq.abc import AbstractChannel

from services.cli.stack import broker
from services.cli.stack.broker_settings import ADMINISTRATOR, environment
from services.cli.stack.credentials import Credentials
from services.cli.stack.files import private_directory
from services.cli.stack.ports import PLACES, choose
from services.cli.stack.processes import ProcessBook
from services.cli.stack.supervisor import Supervisor
from services.runtime.lane.broker import LaneBroker
from tests.integration.runtime.behaviour import BrokerControl, declared_hop
from tests.integration.runtime.test_malformed_properties import NOT_UTF8, RawProperties, headers, long, short
from tests.unit.runtime.lane.recorded import ACCOUNT, PREPARED, VHOST, Session, publish, small_and_quick, store, take

HEARTBEAT = b"\x08\0\0\0\0\0\0\xce"


class Recorder:
    """A proxy before the broker that keeps what is said over one line, in the order in which it passes on."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self.session: Session = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Of the server: a line."""
        from_broker, to_broker = await asyncio.open_connection(self._server.hostname, self._server.port)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pass_on("client", reader, to_broker))
            group.create_task(self._pass_on("broker", from_broker, writer))

    async def _pass_on(
        self, who: Literal["client", "broker"], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            # When the lane's own heartbeats go out is a matter of time, and no part of the conversation.
            kept = data.replace(HEARTBEAT, b"") if who == "client" else data
            if kept and self.session and self.session[-1][0] == who:
                self.session[-1] = (who, self.session[-1][1] + kept)
            elif kept:
                self.session.append((who, kept))
            writer.write(data)
        writer.close()


@asynccontextmanager
async def recorder(url: str) -> AsyncIterator[tuple[Recorder, LaneBroker]]:
    """A recorder, and a lane that leads through it."""
    made = Recorder(url)
    async with await asyncio.start_server(made.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield made, LaneBroker(f"amqp://{ACCOUNT}:{ACCOUNT}@127.0.0.1:{port}/{VHOST}", name="recorded")


async def idle() -> None:
    """Long enough for the broker to send heartbeats."""
    await asyncio.sleep(1.5)


async def prepare(channel: AbstractChannel) -> None:
    """Messages with properties of many shapes, in the queue."""
    shapes = [
        spec.Basic.Properties(),
        spec.Basic.Properties(message_id="id-0", message_type="query", headers={"to": "410102", "kind": "a.b"}),
        spec.Basic.Properties(headers={"n": 1, "m": -(2**40), "yes": True, "none": None, "list": ["a", {"b": 2}]}),
        spec.Basic.Properties(content_type="application/json", correlation_id="id-1", priority=3, app_id="测试"),
        RawProperties(("message_id", short(b"a" + NOT_UTF8))),
        RawProperties(("timestamp", b"\xff" * 8)),
        RawProperties(headers(short(b"to") + b"S" + long(NOT_UTF8))),
        RawProperties(headers(short(b"t\xffo") + b"t\x01")),
        RawProperties(headers(short(b"to") + b"S" + long(b"410102")), ("reply_to", short(b""))),
    ]
    bodies = [bytes(range(256)) * 40, b"", b"last"]
    for properties in shapes:
        await channel.basic_publish(b"body", exchange="out", routing_key="here", properties=properties)
    for body in bodies:
        await channel.basic_publish(body, exchange="out", routing_key="here")
    assert len(shapes) + len(bodies) == PREPARED


async def record(url: str) -> dict[str, Session]:
    """Both sessions, with a broker in which there is nothing yet."""
    with small_and_quick:
        async with await aio_pika.connect(url) as connection, connection.channel() as admin:
            hop = await declared_hop(admin)
            await prepare(await admin.get_underlay_channel())
            async with recorder(url) as (source, lane):
                await take(lane, idle)
            full_at_one: dict[str, str | int] = {"x-max-length": 1, "x-overflow": "reject-publish"}
            await hop.add_queue("small", "small", **full_at_one)
            async with recorder(url) as (sink, lane):
                await publish(lane, idle)
    return {"source": source.session, "sink": sink.session}


async def main() -> None:
    """Start a broker, record, stop it."""
    with tempfile.TemporaryDirectory() as place:
        home = private_directory(Path(place) / "home")
        ports = choose(home, None, list(PLACES))
        credentials = replace(Credentials.of_directory(home), broker_node="recorded@localhost")
        supervisor = Supervisor(ProcessBook(home / "processes.json"), print)
        try:
            address = await broker.start(
                supervisor, directory=home / "broker", ports=ports, credentials=credentials, logs=home
            )
            node = environment(home / "broker", ports, credentials.broker_node)
            control = BrokerControl({**node, "PATH": os.defpath})
            await control.run("add_vhost", VHOST)
            await control.run("add_user", ACCOUNT, ACCOUNT)
            for account in (ACCOUNT, ADMINISTRATOR):
                await control.run("set_permissions", "--vhost", VHOST, account, ".*", ".*", ".*")
            store(await record(address.amqp_url(VHOST)))
        finally:
            await supervisor.stop()


if __name__ == "__main__":
    asyncio.run(main())
