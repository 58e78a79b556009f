"""The two servers a platform stands on, private or existing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.cli.stack import broker, postgres
from services.cli.stack.credentials import SERVICES, Credentials
from services.cli.stack.existing import ExistingServers
from services.cli.stack.ports import PLACES
from services.cli.stack.progress import Terminal
from services.cli.stack.supervisor import Supervisor
from services.cli.stack.waiting import together


@dataclass(frozen=True, slots=True)
class Servers:
    """The owner's and the administrator's way in."""

    database_url: str
    amqp_url: str
    broker_api_url: str


def places(existing: ExistingServers) -> list[str]:
    """The names of the ports that the private ones among the servers need."""
    needed = [place for place in PLACES if place not in SERVICES]
    if existing.database_url is not None:
        needed.remove("database")
    return needed if existing.amqp_url is None else [place for place in needed if not place.startswith("broker")]


async def start(
    directory: Path,
    existing: ExistingServers,
    *,
    credentials: Credentials,
    ports: Mapping[str, int],
    supervisor: Supervisor,
    terminal: Terminal,
) -> Servers:
    """Start what is not existing, both at once. Raises StackError when one does not become ready."""
    logs = directory / "logs"

    async def database() -> tuple[str, ...]:
        if existing.database_url is not None:
            return (existing.database_url,)
        with terminal.step("PostgreSQL"):
            place, password = directory / "database", credentials.database_password
            url = await postgres.start(
                supervisor, directory=place, port=ports["database"], password=password, logs=logs
            )
        return (url,)

    async def message_broker() -> tuple[str, ...]:
        if existing.amqp_url is not None and existing.broker_api_url is not None:
            return existing.amqp_url, existing.broker_api_url
        with terminal.step("RabbitMQ"):
            place = directory / "broker"
            address = await broker.start(supervisor, directory=place, ports=ports, credentials=credentials, logs=logs)
        return address.amqp_url(), address.api_url

    (database_url,), (amqp_url, api_url) = await together(database(), message_broker())
    return Servers(database_url, amqp_url, api_url)
