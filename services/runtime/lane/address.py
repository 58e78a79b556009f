"""Where a broker is and how one gets in, read from an AMQP URL. Pure but for the files of certificates.

``amqps://account:password@mq1,mq2:5671/vhost?cafile=ca.pem&certfile=own.pem&keyfile=own.key&auth=EXTERNAL``: the
parameters are those of aiormq, so that one URL serves both clients.
"""

import ssl
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from services.runtime.hosts import each_host

_PORTS = {"amqp": 5672, "amqps": 5671}
_TLS_PARAMETERS = frozenset({"cafile", "capath", "certfile", "keyfile", "no_verify_ssl"})


@dataclass(frozen=True, slots=True)
class Address:
    """One host of a broker. ``tls`` is None where the line is not encrypted."""

    host: str
    port: int
    vhost: str
    mechanism: Literal["PLAIN", "EXTERNAL"]
    account: str
    password: str = field(repr=False)
    tls: ssl.SSLContext | None


def read_addresses(url: str) -> list[Address]:
    """The addresses of all hosts that ``url`` names.

    Raises ValueError, without anything of the URL in it but the names of parameters and files.
    """
    return [_read(one) for one in each_host(url)]


def _read(url: str) -> Address:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError("must start with amqp:// or amqps://")
    parameters = dict(parse_qsl(parts.query))
    mechanism = parameters.pop("auth", "PLAIN").upper()
    if mechanism not in {"PLAIN", "EXTERNAL"}:
        raise ValueError("auth must be PLAIN or EXTERNAL")
    if unknown := sorted(set(parameters) - _TLS_PARAMETERS):
        known = ", ".join(sorted(_TLS_PARAMETERS | {"auth"}))
        raise ValueError(f"knows no parameter {', '.join(unknown)}; it knows {known}")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise ValueError("has a port that is not a number from 0 to 65535") from None
    return Address(
        host=parts.hostname or "localhost",
        port=port,
        vhost=unquote(parts.path[1:]) or "/",
        mechanism="EXTERNAL" if mechanism == "EXTERNAL" else "PLAIN",
        account=unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        tls=_tls(parameters) if parts.scheme == "amqps" else None,
    )


def _tls(parameters: dict[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=parameters.get("cafile"), capath=parameters.get("capath"))
        if "certfile" in parameters:
            context.load_cert_chain(parameters["certfile"], parameters.get("keyfile"))
    except OSError as error:
        raise ValueError(f"names certificates that cannot be read: {error.strerror or error}") from error
    if parameters.get("no_verify_ssl", "0") != "0":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
