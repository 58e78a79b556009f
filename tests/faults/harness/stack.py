"""A whole exchange for one test: a fresh platform, and as many processes of each service as wanted.

async with fault_stack(servers, tmp_path, counts={"ledger": 2}) as stack:
await stack["ledger"].kill()
await stack["ledger"].restart()
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from services.cli.stack.files import private_directory
from services.cli.stack.instances import Instance, Surroundings, names
from services.cli.stack.ports import choose
from services.cli.stack.proof_key import proof_key
from services.cli.stack.waiting import together
from services.registry.participants import Credentials
from services.runtime.kill_points import VARIABLE
from services.runtime.topology import QueueLimits, Topology
from tests.faults.harness.instance import ServiceProcess, inherited
from tests.faults.harness.platform import LIMITS, Platform, fresh_platform
from tests.faults.harness.servers import Servers

PARTICIPANTS = ("110101", "410102", "410202")

SETTINGS = {
    "HUIZHI_BATCH_SIZE": "20",
    "HUIZHI_PREFETCH": "60",
    "HUIZHI_LEDGER_BATCHES_AT_ONCE": "2",
    "HUIZHI_LEDGER_PREFETCH": "6",
    "HUIZHI_ROUTER_PREFETCH": "4",
    "HUIZHI_ROUTER_SWEEP_INTERVAL_S": "1",
    "HUIZHI_AMQP_CONFIRM_TIMEOUT_S": "5",
    "HUIZHI_DATABASE_POOL_SIZE": "3",
}
"""Small batches and short waits: many steps to be killed at, and no test that waits for long."""


@dataclass(slots=True)
class FaultStack:
    """The processes of one exchange by name (``gateway``, ``ledger-2``), its platform and its participants."""

    platform: Platform
    directory: Path
    participants: dict[str, Credentials]
    services: dict[str, ServiceProcess] = field(default_factory=dict)
    other_kills: int = 0

    def __getitem__(self, name: str) -> ServiceProcess:
        return self.services[name]

    def of(self, service: str) -> list[ServiceProcess]:
        """All instances of a service."""
        return [one for one in self.services.values() if one.instance.service == service]

    @property
    def kills(self) -> int:
        """How many processes were killed so far; count those of servers into ``other_kills``."""
        return sum(one.deaths for one in self.services.values()) + self.other_kills

    @property
    def ledger_url(self) -> str:
        """The HTTP address of a ledger that runs."""
        return next(one.url for one in self.of("ledger") if one.running)

    @property
    def gateway_urls(self) -> list[str]:
        """The HTTP addresses of all gateways."""
        return [one.url for one in self.of("gateway")]

    @property
    def admin_token(self) -> str:
        """The administrator's bearer token."""
        return self.platform.servers.credentials.admin_token

    async def start(self, *wanted: str) -> None:
        """Start the named ones (all by default) and wait until they are ready."""
        chosen = [self.services[name] for name in wanted or self.services]
        for one in chosen:
            await one.start()
        await together(*(one.ready() for one in chosen))

    def arm(self, name: str, point: str, count: int = 1, *, pause: bool = False) -> Path:
        """Have instance ``name`` killed, or stopped, where it reaches ``point`` the ``count``-th time after its next
        start; the file that is there from then on.
        """
        marker = self.directory / f"{name}.{point}.{count}.reached"
        self.services[name].environment[VARIABLE] = f"{point}:{count}:{marker}" + (":STOP" if pause else "")
        return marker

    def through(self, name: str, *, amqp: str | None = None, database: str | None = None) -> None:
        """Lead an instance's connections through proxies at these ``host:port``, from its next start on."""
        environment = self.services[name].environment
        for variable, place in (("HUIZHI_AMQP_URL", amqp), ("HUIZHI_DATABASE_URL", database)):
            if place is not None:
                environment[variable] = at(environment[variable], place)

    async def add(self, *addresses: str) -> None:
        """Make more participants while it runs, and wait until every service knows of them."""
        self.participants |= {one.address: one for one in await self.platform.add(*addresses)}
        # Whoever answers before a gateway has heard of it is refused as unknown.
        await together(*(one.knows(len(self.participants)) for one in self.services.values() if one.running))

    @asynccontextmanager
    async def database(self) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """The owner's connection to the ledger's database."""
        connection = await asyncpg.connect(self.platform.database_url)
        try:
            yield connection
        finally:
            await connection.close()


def at(url: str, place: str) -> str:
    """The URL with another ``host:port`` in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@{place}"))


@asynccontextmanager
async def fault_stack(
    servers: Servers,
    directory: Path,
    *,
    counts: Mapping[str, int] | None = None,
    participants: Sequence[str] = PARTICIPANTS,
    settings: Mapping[str, str] | None = None,
    launcher: Sequence[str] = ("-m",),
    limits: QueueLimits = LIMITS,
    core: Topology | None = None,
    removed: bool = True,
) -> AsyncIterator[FaultStack]:
    """An exchange whose services are not started yet (``stack.start()``); all gone afterwards, vhost and database only
    if they are to be ``removed``.

    A service is run as ``python *launcher services.NAME``.
    """
    wanted = names({"gateway": 1, "router": 1, "ledger": 1} | dict(counts or {}))
    async with fresh_platform(servers, participants, limits=limits, core=core, removed=removed) as (platform, made):
        stack = FaultStack(platform, directory, {one.address: one for one in made})
        ports = choose(private_directory(directory), None, list(wanted))
        logs = private_directory(directory / "services")
        around = Surroundings(platform.database_url, platform.amqp_url, servers.credentials, logs, proof_key(directory))
        client = {"HUIZHI_AMQP_CLIENT": servers.client} if servers.client else {}
        for name, service in wanted.items():
            instance = Instance(name, service, ports[name])
            ours = {k: v for k, v in around.environment(instance).items() if k.startswith("HUIZHI_")}
            environment = {**inherited(), **SETTINGS, **client, **(settings or {}), **ours}
            stack.services[name] = ServiceProcess(
                instance, environment, logs / f"{name}.log", (*launcher, f"services.{service}")
            )
        try:
            yield stack
        finally:
            for one in stack.services.values():
                await one.dispose()
