"""Accounts, permissions and inboxes on the broker, by RabbitMQ's management HTTP API (3.10 and 4.x).

The API's import of definitions makes many of them with one request, which is what provisioning 2,847 counties needs.
It leaves a queue or binding that is there as it is, and sets a user's password and permissions anew.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import httpx

from services.registry.errors import BrokerAPIError
from services.runtime.topology import Permissions, Queue

# A node under load declares some thirty quorum queues a second, and a request may carry hundreds.
_TIMEOUT = httpx.Timeout(10, read=300)
_SALT_BYTES = 4
_PASSWORD_BYTES = 24


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the broker: its name, what it may do in the vhost, and its password in the clear."""

    name: str
    permissions: Permissions
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class QueueState:
    """How many messages a queue holds and how many consumers read it."""

    messages: int
    consumers: int


def new_password() -> str:
    """A new password, in characters that need no escaping in a URL."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def password_hash(password: str) -> str:
    """The password as RabbitMQ stores it: base64 of a random salt of 4 bytes and SHA-256(salt + password)."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def amqp_vhost(amqp_url: str) -> str:
    """The vhost that an AMQP URL names; `/` when it names none."""
    return unquote(urlsplit(amqp_url).path.removeprefix("/")) or "/"


class BrokerAPI:
    """The management API of one broker, for one vhost; an async context manager.

    Every method raises BrokerAPIError when the broker is away or refuses.
    """

    def __init__(self, url: str, vhost: str) -> None:
        parts = urlsplit(url)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self.vhost = vhost
        self._client = httpx.AsyncClient(
            base_url=f"{bare.rstrip('/')}/api/",
            auth=(parts.username or "", parts.password or ""),
            timeout=_TIMEOUT,
            # A proxy of the environment is for the outside; the broker is a neighbour.
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def version(self) -> str:
        """The broker's version, such as `3.10.8`."""
        overview = await self._request("GET", "overview")
        return str(overview.json()["rabbitmq_version"])

    async def define(self, accounts: Sequence[Account], queues: Iterable[Queue] = ()) -> None:
        """Make accounts and queues in one request; of what is there already only the accounts are set anew."""
        await self._request("POST", "definitions", _definitions(self.vhost, accounts, tuple(queues)))

    async def permit(self, account: str, permissions: Permissions) -> None:
        """Set what an account may do in the vhost."""
        path = f"permissions/{quote(self.vhost, safe='')}/{quote(account, safe='')}"
        await self._request("PUT", path, _permissions(permissions))

    async def close_connections(self, account: str, reason: str) -> None:
        """Close the account's connections, if it has any.

        A channel remembers what it was permitted; only a new connection asks again.
        """
        path = f"connections/username/{quote(account, safe='')}"
        await self._request("DELETE", path, headers={"X-Reason": reason}, absent_is_fine=True)

    async def queue_state(self, queue: str) -> QueueState | None:
        """What a queue holds, or None when it does not exist. The figures are some seconds old."""
        path = f"queues/{quote(self.vhost, safe='')}/{quote(queue, safe='')}"
        answer = await self._request("GET", path, absent_is_fine=True)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        state = answer.json()
        return QueueState(messages=state.get("messages", 0), consumers=state.get("consumers", 0))

    async def _request(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        absent_is_fine: bool = False,
    ) -> httpx.Response:
        try:
            answer = await self._client.request(method, path, json=content, headers=headers)
        except httpx.TransportError as error:
            raise BrokerAPIError(
                f"the broker's management API at {self._client.base_url} does not answer "
                f"({type(error).__name__}: {error}); is the broker up?"
            ) from error
        if answer.is_success or (absent_is_fine and answer.status_code == httpx.codes.NOT_FOUND):
            return answer
        raise BrokerAPIError(f"the broker refused {method} {path} with {answer.status_code}: {answer.text[:500]}")


def _definitions(vhost: str, accounts: Sequence[Account], queues: Sequence[Queue]) -> dict[str, Any]:
    return {
        "users": [
            {
                "name": account.name,
                "password_hash": password_hash(account.password),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": [],
            }
            for account in accounts
        ],
        "permissions": [
            {"user": account.name, "vhost": vhost, **_permissions(account.permissions)} for account in accounts
        ],
        "queues": [
            {
                "name": queue.name,
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": dict(queue.arguments),
            }
            for queue in queues
        ],
        "bindings": [
            {
                "source": queue.exchange,
                "vhost": vhost,
                "destination": queue.name,
                "destination_type": "queue",
                "routing_key": queue.routing_key,
                "arguments": {},
            }
            for queue in queues
        ],
    }


def _permissions(permissions: Permissions) -> dict[str, str]:
    return {"configure": permissions.configure, "write": permissions.write, "read": permissions.read}
