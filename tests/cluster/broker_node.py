"""One RabbitMQ node of a cluster on the loopback interface."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.cli.stack import broker
from services.cli.stack.broker_settings import configuration, enabled_plugins, environment
from services.cli.stack.credentials import Credentials
from services.cli.stack.files import private_directory, write_private
from services.cli.stack.ports import HOST
from tests.acceptance.waiting import until
from tests.cluster.daemon import Daemon

NET_TICK_SECONDS = 12
"""How long a node may be silent before the others take it for gone; RabbitMQ's own default is 60."""

CLUSTER = """
# Of two halves that lose sight of each other, the smaller one stops until it sees the other again.
cluster_partition_handling = pause_minority
queue_leader_locator = balanced
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.randomized_startup_delay_range.min = 0
cluster_formation.randomized_startup_delay_range.max = 2
"""
ADVANCED = f"[{{kernel, [{{net_ticktime, {NET_TICK_SECONDS}}}]}}].\n"


@dataclass(slots=True)
class BrokerNode:
    """A node by its Erlang name, and where it listens."""

    name: str
    daemon: Daemon
    amqp_port: int
    api_url: str

    @property
    def place(self) -> str:
        """Its ``host:port`` for AMQP."""
        return f"{HOST}:{self.amqp_port}"

    async def start(self, within_s: float = 180.0) -> None:
        """Start it, or start it again, and wait until it takes connections."""
        await self.daemon.start()
        await self.ready(within_s)

    async def ready(self, within_s: float = 180.0) -> None:
        """Wait until it takes connections."""

        async def answers() -> bool:
            assert self.daemon.running, self.daemon.last_words()
            return await broker.answers(self.api_url, f"/api/health/checks/port-listener/{self.amqp_port}")

        await until(f"{self.name} takes connections", answers, within_s=within_s)

    async def kill(self) -> None:
        """``kill -9``."""
        await self.daemon.kill()

    def pause(self) -> None:
        """Let it hang, as a machine does that is out of memory: its connections stay open."""
        self.daemon.send(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self.daemon.send(signal.SIGCONT)

    async def sees(self) -> set[str]:
        """The names of the nodes that it is one with; none while it knows of a partition."""
        try:
            status = json.loads(await asyncio.to_thread(self.ctl, "cluster_status", "--formatter", "json"))
        except subprocess.CalledProcessError:
            return set()
        return set() if status["partitions"] else set(status["running_nodes"])

    def ctl(self, *arguments: str, program: str = "rabbitmqctl") -> str:
        """What a command of RabbitMQ's prints when it is asked of this node."""
        done = subprocess.run(
            [f"/usr/lib/rabbitmq/bin/{program}", "-q", "-n", self.name, *arguments],
            env=dict(self.daemon.environment),
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return done.stdout.strip()


def make_node(
    name: str, directory: Path, ports: Mapping[str, int], peers: Sequence[str], credentials: Credentials
) -> BrokerNode:
    """A node that was not started yet. ``ports`` has those that ``broker_settings`` asks for."""
    private_directory(directory)
    nodes = "".join(f"cluster_formation.classic_config.nodes.{i} = {peer}\n" for i, peer in enumerate(peers, start=1))
    write_private(directory / "rabbitmq.conf", configuration(ports, credentials.broker_password) + CLUSTER + nodes)
    write_private(directory / "advanced.config", ADVANCED)
    write_private(directory / "enabled_plugins", enabled_plugins())
    write_private(directory / "rabbitmq-env.conf", "")
    write_private(directory / ".erlang.cookie", credentials.broker_cookie)
    (directory / ".erlang.cookie").chmod(0o400)
    surroundings = environment(directory, ports, name) | {"PATH": os.environ.get("PATH", os.defpath)}
    daemon = Daemon((str(broker.SERVER),), surroundings, directory / "node.log")
    api_url = f"http://huizhi:{credentials.broker_password}@{HOST}:{ports['broker-api']}"
    return BrokerNode(name, daemon, ports["broker"], api_url)
