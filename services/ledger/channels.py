"""Ways to people outside the exchange: a webhook or e-mail, each named by one URL.

    https://host/path                                              POST of JSON
    smtp://account:password@host:587?from=a@example&to=b@example   e-mail; smtps:// for TLS from the first byte

ChannelError
├── ChannelURLError     a URL that names no channel
└── NotSentError        the other side did not take it
"""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import aiosmtplib
import httpx
import msgspec

from services.ledger.notifications import Notification


class ChannelError(Exception):
    """Root of the channels' errors. None of them shows a URL: it may hold a password."""


class ChannelURLError(ChannelError, ValueError):
    """A URL that names no channel."""


class NotSentError(ChannelError):
    """The other side did not take it, or is away."""


class Channel(Protocol):
    """One way to somebody."""

    async def send(self, told: Sequence[Notification]) -> None:
        """Tell of one commit. Raises NotSentError."""


class Webhook:
    """Posts JSON: an object with ``notifications``."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, told: Sequence[Notification]) -> None:
        """Any status of 200 to 299 says that it was taken; redirections are not followed."""
        body = msgspec.json.encode({"notifications": told})
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=None) as http:  # noqa: S113 - the caller limits it.
                answer = await http.post(self._url, content=body, headers={"Content-Type": "application/json"})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotSentError(type(error).__name__) from error
        if not answer.is_success:
            raise NotSentError(f"status {answer.status_code}")


class Mail:
    """Sends an e-mail, a line each, encrypted where the server can."""

    def __init__(self, parts: SplitResult) -> None:
        said = parse_qs(parts.query)
        self._server = parts
        self._sender = "".join(said.get("from", []))
        self._recipients = [address for one in said.get("to", []) for address in one.split(",")]
        if not (self._sender and self._recipients and parts.hostname):
            raise ChannelURLError("an e-mail URL needs a host, ?from= and &to=")

    async def send(self, told: Sequence[Notification]) -> None:
        """Raises NotSentError unless the server took it for every recipient."""
        message = EmailMessage()
        message["From"], message["To"] = self._sender, ", ".join(self._recipients)
        message["Subject"] = f"Huizhi 回执: {len(told)} reminders"
        message.set_content("\n".join(map(_line, told)) + "\n")
        try:
            refused, _ = await aiosmtplib.send(
                message,
                hostname=self._server.hostname,
                port=self._server.port,
                username=self._server.username and unquote(self._server.username),
                password=self._server.password and unquote(self._server.password),
                use_tls=self._server.scheme == "smtps",
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotSentError(type(error).__name__) from error
        if refused:
            raise NotSentError(f"{len(refused)} recipients were refused")


def channel(url: str) -> Channel:
    """The channel that ``url`` names. Raises ChannelURLError."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ChannelURLError("is not a URL") from error
    if has_host and parts.scheme in ("http", "https"):
        return Webhook(url)
    if has_host and parts.scheme in ("smtp", "smtps"):
        return Mail(parts)
    raise ChannelURLError("each URL begins with http://, https://, smtp:// or smtps:// and names a host")


def channels(urls: str) -> list[Channel]:
    """The channels that URLs with spaces between them name. Raises ChannelURLError."""
    return [channel(url) for url in urls.split()]


def _line(one: Notification) -> str:
    told = one.told or "nobody"
    return (
        f"{one.event} ({one.step}): query {one.query} of kind {one.kind} from {one.asked_by} at {one.address}, "
        f"due {one.due}; told {told}, entry {one.entry}"
    )
