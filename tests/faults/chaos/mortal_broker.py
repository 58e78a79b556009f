"""A RabbitMQ node of the run's own on a small disk, and what can be done to it."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.cli.stack import broker
from services.cli.stack.broker import BrokerAddress
from services.cli.stack.broker_settings import ADMINISTRATOR, configuration, enabled_plugins, environment
from services.cli.stack.credentials import Credentials
from services.cli.stack.files import write_private
from services.cli.stack.ports import HOST
from tests.acceptance.waiting import until
from tests.cluster.broker_node import BrokerNode
from tests.cluster.daemon import Daemon
from tests.faults.chaos.volume import Volume, volume

VOLUME_MB = 600
DISK_FREE_LIMIT = 128 * 1024**2
"""Below this the broker takes nothing more. The shipped limit of 1 GB is more than the whole disk here."""
LITTLE = 96 * 1024**2
"""Less than that, and enough to acknowledge what is there."""

WATERMARK, NO_WATERMARK = "0.4", "0.000001"


@dataclass(frozen=True, slots=True)
class MortalBroker:
    """The node and its disk."""

    node: BrokerNode
    disk: Volume

    @property
    def address(self) -> BrokerAddress:
        """The administrator's way in."""
        entry = self.node.api_url.removeprefix("http://").partition("@")[0]
        return BrokerAddress(f"amqp://{entry}@{self.node.place}", self.node.api_url)

    async def ctl(self, *arguments: str) -> str:
        """What ``rabbitmqctl`` prints."""
        return await asyncio.to_thread(self.node.ctl, *arguments)

    async def up(self) -> None:
        """See that it runs, and wait until it takes connections."""
        if self.node.daemon.running:
            await self.node.ready()
        else:
            await self.node.start()

    async def alarm(self, *, on: bool, within_s: float = 60.0) -> None:
        """Wait until the node has an alarm, or none."""
        what = "an alarm" if on else "no alarm"
        await until(f"the broker has {what}", lambda: self._says_alarm(on), within_s=within_s)

    async def _says_alarm(self, on: bool) -> bool:
        calm = await broker.answers(self.node.api_url, "/api/health/checks/local-alarms")
        return calm != on

    async def delete_consumers(self, vhost: str, queue: str) -> int:
        """Tell whoever consumes a queue that it is one no longer, as the broker does when a queue goes; how many.

        Where nobody consumes it just now, somebody is waited for.
        """
        told = 0

        async def somebody() -> bool:
            nonlocal told
            # The queue itself stays, with what is in it: only its consumers' channels are told that it has ended.
            told = int(await self.ctl("eval", _END_OF_QUEUE.format(vhost=vhost, queue=queue)))
            return told > 0

        await until(f"{queue} has a consumer", somebody, within_s=120)
        return told


_END_OF_QUEUE = (
    '{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"{vhost}">>, queue, <<"{queue}">>)), '
    "Over = {{queue_event, amqqueue:get_name(Q), {{amqqueue:get_pid(Q), {{machine, eol}}}}}}, "
    "Channels = [element(1, Consumer) || Consumer <- rabbit_amqqueue:consumers(Q)], "
    "[gen_server2:cast(Channel, Over) || Channel <- Channels], length(Channels)."
)


@asynccontextmanager
async def mortal_broker(
    directory: Path, ports: Mapping[str, int], credentials: Credentials, logs: Path
) -> AsyncIterator[MortalBroker]:
    """A node that is up inside the ``async with``, and gone after it. Raises MountError."""
    surroundings = {
        "PATH": os.environ.get("PATH", os.defpath),
        **environment(directory, ports, credentials.broker_node),
    }
    names = Daemon((str(shutil.which("epmd")),), surroundings, logs / "broker-names.log")
    daemon = Daemon((str(broker.SERVER),), surroundings, logs / "broker.log")
    api_url = f"http://{ADMINISTRATOR}:{credentials.broker_password}@{HOST}:{ports['broker-api']}"
    node = BrokerNode(credentials.broker_node, daemon, ports["broker"], api_url)
    with volume(directory, VOLUME_MB) as disk:
        _prepare(directory, ports, credentials)
        try:
            await names.start()
            await node.start()
            yield MortalBroker(node, disk)
        finally:
            disk.relieve()
            await daemon.stop(signal.SIGTERM)
            await names.stop(signal.SIGTERM)


def _prepare(directory: Path, ports: Mapping[str, int], credentials: Credentials) -> None:
    write_private(directory / "rabbitmq.conf", configuration(ports, credentials.broker_password))
    write_private(directory / "advanced.config", f"[{{rabbit, [{{disk_free_limit, {DISK_FREE_LIMIT}}}]}}].\n")
    write_private(directory / "enabled_plugins", enabled_plugins())
    write_private(directory / "rabbitmq-env.conf", "")
    write_private(directory / ".erlang.cookie", credentials.broker_cookie)
    (directory / ".erlang.cookie").chmod(0o400)
