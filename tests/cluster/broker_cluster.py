"""Three RabbitMQ nodes that are one broker, with everything of their own: names, ports, epmd, cookie, data."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from services.cli.stack import install
from services.cli.stack.broker import BrokerAddress
from services.cli.stack.broker_settings import ADMINISTRATOR
from services.cli.stack.credentials import Credentials
from services.cli.stack.files import private_directory
from services.cli.stack.ports import HOST, choose
from tests.acceptance.waiting import until
from tests.cluster.broker_node import BrokerNode, make_node
from tests.cluster.daemon import Daemon
from tests.cluster.front import Front, front

NUMBERS = (1, 2, 3)
_PORTS = ("broker", "broker-api", "broker-metrics", "broker-distribution")


@dataclass(slots=True)
class BrokerCluster:
    """The nodes, and the front before them that participants and provisioning use."""

    nodes: list[BrokerNode]
    front: Front
    api_front: Front
    password: str

    @property
    def address(self) -> BrokerAddress:
        """The administrator's way in, through the front."""
        entry = f"{ADMINISTRATOR}:{self.password}"
        return BrokerAddress(f"amqp://{entry}@{self.front.place}", f"http://{entry}@{self.api_front.place}")

    @property
    def places(self) -> str:
        """All nodes as a service's URL names them: ``host:port,host:port,host:port``."""
        return ",".join(node.place for node in self.nodes)

    @property
    def up(self) -> list[BrokerNode]:
        """The nodes whose process runs."""
        return [node for node in self.nodes if node.daemon.running]

    async def queues(self, vhost: str, *, of: BrokerNode | None = None) -> list[dict[str, Any]]:
        """What a node says of the queues: ``name``, ``leader``, ``members``, ``online``."""
        api_url = (of or self.up[0]).api_url
        async with httpx.AsyncClient(base_url=api_url, timeout=30, trust_env=False) as client:
            answer = await client.get(f"/api/queues/{vhost}")
            answer.raise_for_status()
            found: list[dict[str, Any]] = answer.json()
            return found

    async def leader(self, vhost: str, queue: str, *, of: BrokerNode | None = None) -> BrokerNode:
        """The node on which the leader of a queue is."""
        named = {one["name"]: one.get("leader") for one in await self.queues(vhost, of=of)}
        return next(node for node in self.nodes if node.name == named[queue])

    async def whole(self, vhost: str, within_s: float = 120.0) -> None:
        """Wait until every node sees every other, and every queue has all its members online: the next node may go."""

        async def is_whole() -> bool:
            try:
                found = [one for node in self.nodes for one in await self.queues(vhost, of=node)]
            except httpx.HTTPError:
                return False
            return bool(found) and all(len(one.get("online", ())) == len(NUMBERS) for one in found)

        await until("all members of all queues are online", is_whole, within_s=within_s)
        # What queues do not show: a node that others have given up may have them back, and still keep users, vhosts and
        # bindings to itself.
        names = {node.name for node in self.nodes}

        async def are_one() -> bool:
            return all([await node.sees() == names for node in self.nodes])

        await until("every node is one with the others", are_one, within_s=within_s)


@asynccontextmanager
async def broker_cluster(directory: Path) -> AsyncIterator[BrokerCluster]:
    """A cluster that is up inside the ``async with``, and gone after it."""
    install.missing_packages(print)
    private_directory(directory)
    credentials = Credentials.of_directory(directory)
    ports = choose(directory, None, ["names", *(f"{place}-{number}" for number in NUMBERS for place in _PORTS)])
    stem = credentials.broker_node.partition("@")[0]
    peers = [f"{stem}-{number}@localhost" for number in NUMBERS]
    nodes = []
    for number, name in zip(NUMBERS, peers, strict=True):
        own = {place: ports[f"{place}-{number}"] for place in _PORTS} | {"broker-names": ports["names"]}
        nodes.append(make_node(name, directory / f"node-{number}", own, peers, credentials))
    epmd = Daemon((_epmd(),), _names_environment(ports["names"], directory), directory / "epmd.log")
    api_places = [f"{HOST}:{ports[f'broker-api-{number}']}" for number in NUMBERS]
    async with front([node.place for node in nodes]) as amqp, front(api_places) as api:
        try:
            await epmd.start()
            await asyncio.gather(*(node.start() for node in nodes))
            yield BrokerCluster(nodes, amqp, api, credentials.broker_password)
        finally:
            await asyncio.gather(*(node.daemon.stop(signal.SIGTERM) for node in nodes))
            await epmd.stop(signal.SIGTERM)


def _epmd() -> str:
    program = shutil.which("epmd")
    assert program is not None, "RabbitMQ is not installed; `make setup` installs it"
    return program


def _names_environment(port: int, directory: Path) -> dict[str, str]:
    path = os.environ.get("PATH", os.defpath)
    return {"PATH": path, "HOME": str(directory), "ERL_EPMD_PORT": str(port), "ERL_EPMD_ADDRESS": HOST}
