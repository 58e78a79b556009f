"""Servers that are there already, named by the environment, in the place of private ones.

`HUIZHI_DATABASE_URL` is the URL of a database's owner, who may create roles; `HUIZHI_AMQP_URL` that of an
administrator of a vhost, which needs the management API's beside it in `HUIZHI_BROKER_API_URL`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import aio_pika
import aio_pika.exceptions
import asyncpg
import httpx

from services.cli.errors import StackError


@dataclass(frozen=True, slots=True)
class ExistingServers:
    """What the environment names; None where a private server shall be started."""

    database_url: str | None
    amqp_url: str | None
    broker_api_url: str | None

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> "ExistingServers":
        """Raises StackError when only one of the two ways to the broker is named."""
        servers = cls(
            database_url=environment.get("HUIZHI_DATABASE_URL") or None,
            amqp_url=environment.get("HUIZHI_AMQP_URL") or None,
            broker_api_url=environment.get("HUIZHI_BROKER_API_URL") or None,
        )
        if (servers.amqp_url is None) != (servers.broker_api_url is None):
            raise StackError(
                "an existing broker needs both HUIZHI_AMQP_URL (amqp://administrator:password@host:5672/huizhi) and "
                "HUIZHI_BROKER_API_URL (http://administrator:password@host:15672); unset both for a private broker"
            )
        return servers

    async def check(self) -> None:
        """Raises StackError, naming the variable, when a named server does not answer or lets us not in."""
        if self.database_url is not None:
            await _check_database(self.database_url)
        if self.amqp_url is not None and self.broker_api_url is not None:
            await _check_amqp(self.amqp_url)
            await _check_api(self.broker_api_url)


async def _check_database(url: str) -> None:
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _refusal("HUIZHI_DATABASE_URL", url, "PostgreSQL", error) from error
    try:
        may_create_roles = await connection.fetchval(
            "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
        )
    finally:
        await connection.close()
    if not may_create_roles:
        raise StackError(
            "the role in HUIZHI_DATABASE_URL may not create roles, which each service needs one of; "
            "ALTER ROLE … CREATEROLE, or name another owner"
        )


async def _check_amqp(url: str) -> None:
    try:
        connection = await aio_pika.connect(url, timeout=10)
    except (OSError, TimeoutError, ValueError, aio_pika.exceptions.AMQPError) as error:
        raise _refusal("HUIZHI_AMQP_URL", url, "a RabbitMQ vhost", error) from error
    await connection.close()


async def _check_api(url: str) -> None:
    try:
        async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as client:
            (await client.get("/api/overview")).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _refusal("HUIZHI_BROKER_API_URL", url, "RabbitMQ's management API", error) from error


def _refusal(variable: str, url: str, what: str, error: Exception) -> StackError:
    place = urlsplit(url)
    # The password in the URL stays out of the message.
    return StackError(
        f"{variable} does not lead to {what} at {place.hostname}:{place.port}{place.path} "
        f"({type(error).__name__}: {error}). Correct it, start that server, or unset it to have a private one started."
    )
