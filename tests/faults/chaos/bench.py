"""The exchange that is harmed: servers of its own, two instances of each service, and everybody at work."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.cli.stack import install
from services.cli.stack.credentials import Credentials
from services.cli.stack.files import private_directory
from services.cli.stack.ports import PLACES, choose
from tests.acceptance.waiting import until
from tests.faults.chaos.keeper import Keeper, kept
from tests.faults.chaos.mortal_broker import MortalBroker, mortal_broker
from tests.faults.chaos.mortal_database import MortalDatabase, mortal_database
from tests.faults.chaos.schedule import HEARTBEAT_SECONDS
from tests.faults.harness.oracle import Oracle, oracle
from tests.faults.harness.servers import Servers, make_template
from tests.faults.harness.stack import FaultStack, fault_stack

QUICK_HEARTBEAT_SECONDS = 1.0
_TWO_OF_EACH = {"gateway": 2, "router": 2, "ledger": 2}
_SETTINGS = {
    "HUIZHI_BATCH_SIZE": "50",
    "HUIZHI_PREFETCH": "200",
    "HUIZHI_LEDGER_BATCHES_AT_ONCE": "4",
    "HUIZHI_LEDGER_PREFETCH": "16",
    "HUIZHI_ROUTER_PREFETCH": "8",
    "HUIZHI_AMQP_CONFIRM_TIMEOUT_S": "10",
    "HUIZHI_LEDGER_TRANSACTION_TIMEOUT_S": "10",
}
"""Less patience than is shipped, and smaller batches at the doors; otherwise as shipped."""


@dataclass(frozen=True, slots=True)
class ChaosBench:
    """All that can be struck, and who sees to it that it comes back."""

    stack: FaultStack
    parties: Oracle
    broker: MortalBroker
    database: MortalDatabase
    keeper: Keeper
    heartbeat: float

    async def heal(self, within_s: float = 180.0) -> None:
        """Everything is up and says so."""
        self.broker.disk.relieve()
        self.database.disk.relieve()
        await self.database.up()
        await self.broker.up()
        for one in self.stack.services.values():
            await until(f"{one.name} is ready", one.instance.is_ready, within_s=within_s)

    async def versions(self) -> dict[str, str]:
        """Of the two servers."""
        version = await self.database.server.value("SHOW server_version")
        return {"rabbitmq": await self.broker.ctl("version"), "postgresql": str(version)}


@asynccontextmanager
async def chaos_bench(directory: Path, *, quick: bool = False) -> AsyncIterator[ChaosBench]:
    """A bench that is up inside the ``async with``, and gone after it. Raises MountError.

    ``quick`` services hear a heartbeat a second; otherwise they run as they are shipped.
    """
    install.missing_packages(print)
    logs = private_directory(private_directory(directory) / "logs")
    credentials = Credentials.of_directory(directory)
    ports = choose(directory, None, list(PLACES))
    launcher = ("-m", "tests.faults.broken", "quick") if quick else ("-m",)
    async with AsyncExitStack() as exits:
        database = await exits.enter_async_context(
            mortal_database(directory / "database", ports["database"], credentials.database_password, logs)
        )
        broker = await exits.enter_async_context(mortal_broker(directory / "broker", ports, credentials, logs))
        url = database.server.url
        template = await make_template(url, credentials.admin_token)
        servers = Servers(broker.address, url, template, credentials)
        stack = await exits.enter_async_context(
            fault_stack(servers, directory / "stack", counts=_TWO_OF_EACH, settings=_SETTINGS, launcher=launcher)
        )
        parties = await exits.enter_async_context(oracle(stack, directory / "oracle"))
        await stack.start()
        keeper = await exits.enter_async_context(kept(stack))
        yield ChaosBench(
            stack, parties, broker, database, keeper, QUICK_HEARTBEAT_SECONDS if quick else HEARTBEAT_SECONDS
        )
