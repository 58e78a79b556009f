"""A private RabbitMQ node of one stack, from the Debian package.

The package's `/usr/sbin/rabbitmq-server` insists on the system's user and directories; the server's own script below
`/usr/lib/rabbitmq` takes everything from its environment. Erlang's name service (epmd) would be started as a daemon and
stay behind; here it is a supervised program like the node.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.cli.errors import StackError
from services.cli.stack.broker_settings import ADMINISTRATOR, VHOST, configuration, enabled_plugins, environment
from services.cli.stack.credentials import Credentials
from services.cli.stack.files import private_directory, write_private
from services.cli.stack.ports import HOST
from services.cli.stack.supervisor import Program, Stage, Supervisor

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")

# 12 s when nothing is in it; 30 s with 3,000 quorum queues; more on a machine that has other work.
READY_WITHIN_S = 180.0


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """The administrator's way in. `server` is the AMQP URL without a vhost."""

    server: str
    api_url: str

    def amqp_url(self, vhost: str = VHOST) -> str:
        """The administrator's AMQP URL of a vhost."""
        return f"{self.server}/{vhost}"


async def start(
    supervisor: Supervisor,
    *,
    directory: Path,
    ports: Mapping[str, int],
    credentials: Credentials,
    logs: Path,
) -> BrokerAddress:
    """Run the node and its name service until both answer. Raises StackError when RabbitMQ is not installed."""
    _prepare(directory, ports, credentials)
    surroundings = environment(directory, ports, credentials.broker_node) | {"PATH": os.environ.get("PATH", os.defpath)}
    for program in _programs(surroundings, logs):
        await supervisor.start(program)
    password = credentials.broker_password
    api_url = f"http://{ADMINISTRATOR}:{password}@{HOST}:{ports['broker-api']}"

    async def listens() -> bool:
        return await answers(api_url, f"/api/health/checks/port-listener/{ports['broker']}")

    await supervisor.until_ready("broker", listens, within_s=READY_WITHIN_S)
    return BrokerAddress(f"amqp://{ADMINISTRATOR}:{password}@{HOST}:{ports['broker']}", api_url)


async def answers(api_url: str, path: str) -> bool:
    """Whether the management API says yes to a question now."""
    try:
        async with httpx.AsyncClient(base_url=api_url, timeout=5, trust_env=False) as client:
            return (await client.get(path)).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _prepare(directory: Path, ports: Mapping[str, int], credentials: Credentials) -> None:
    private_directory(directory)
    write_private(directory / "rabbitmq.conf", configuration(ports, credentials.broker_password))
    write_private(directory / "enabled_plugins", enabled_plugins())
    write_private(directory / "rabbitmq-env.conf", "")
    write_private(directory / ".erlang.cookie", credentials.broker_cookie)


def _programs(surroundings: Mapping[str, str], logs: Path) -> tuple[Program, Program]:
    names = shutil.which("epmd")
    if names is None or not SERVER.exists():
        raise StackError(
            "RabbitMQ is not installed; `make setup` installs it, or `sudo apt-get install rabbitmq-server`"
        )
    return (
        Program("broker-names", (names,), surroundings, logs / "broker-names.log", Stage.NAMES),
        Program("broker", (str(SERVER),), surroundings, logs / "broker.log", Stage.BROKER, stop_within_s=60.0),
    )
