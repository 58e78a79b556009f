"""The instances of gateway, router and ledger: their names, their environment, and whether they are ready."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import httpx

from services.cli.stack.credentials import SERVICES, Credentials
from services.cli.stack.ports import HOST
from services.cli.stack.supervisor import Program, Stage
from services.ledger.store.roles import role_name
from services.runtime.topology import GATEWAY_ACCOUNT, LEDGER_ACCOUNT, ROUTER_ACCOUNT

ACCOUNTS = {"gateway": GATEWAY_ACCOUNT, "ledger": LEDGER_ACCOUNT, "router": ROUTER_ACCOUNT}

# What the stack sets itself; anything else that begins with HUIZHI_ is the operator's and reaches the services.
_OWN = {"HUIZHI_DATABASE_URL", "HUIZHI_AMQP_URL", "HUIZHI_BROKER_API_URL", "HUIZHI_HTTP_HOST", "HUIZHI_HTTP_PORT"}


@dataclass(frozen=True, slots=True)
class Instance:
    """One process of a service."""

    name: str
    service: str
    port: int

    @property
    def url(self) -> str:
        """Its HTTP address."""
        return f"http://{HOST}:{self.port}"

    async def is_ready(self) -> bool:
        """Whether it says that all it depends on is there."""
        try:
            async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
                return (await client.get(f"{self.url}/readyz")).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def names(counts: Mapping[str, int]) -> dict[str, str]:
    """Instance name → service, for so many of each: `ledger`, `ledger-2`, …, in the order in which they start."""
    return {
        service if number == 1 else f"{service}-{number}": service
        for service in SERVICES
        for number in range(1, counts[service] + 1)
    }


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every instance of a stack shares: owner's and administrator's URLs, of which each service gets its own, and
    the key that the ledger signs the log with where the operator names none.
    """

    database_url: str
    amqp_url: str
    credentials: Credentials
    logs: Path
    proof_key: Path

    def program(self, instance: Instance) -> Program:
        """How to run an instance."""
        return Program(
            name=instance.name,
            arguments=(sys.executable, "-m", f"services.{instance.service}"),
            environment=self.environment(instance),
            log=self.logs / f"{instance.name}.log",
            stage=Stage.SERVICE,
        )

    def environment(self, instance: Instance) -> dict[str, str]:
        """Its settings: its own role and account, so that it can do no more than its work."""
        service = instance.service
        database = urlsplit(self.database_url).path.removeprefix("/")
        passwords = self.credentials
        key = {"HUIZHI_PROOF_KEYS": str(self.proof_key)} if service == "ledger" else {}
        return {
            **key,
            **{name: value for name, value in os.environ.items() if name not in _OWN},
            "HUIZHI_DATABASE_URL": _as(
                self.database_url, role_name(database, service), passwords.database_roles[service]
            ),
            "HUIZHI_AMQP_URL": _as(self.amqp_url, ACCOUNTS[service], passwords.broker_accounts[service]),
            "HUIZHI_HTTP_HOST": HOST,
            "HUIZHI_HTTP_PORT": str(instance.port),
        }


def _as(url: str, user: str, password: str) -> str:
    """The same server and path, entered by somebody else."""
    parts = urlsplit(url)
    server = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{server}"))
