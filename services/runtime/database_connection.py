"""One connection to PostgreSQL, whichever of several hosts is the one to be written to now.

asyncpg tries the hosts of a URL in turn as well, but all within one time limit: a host that takes connections and says
nothing, such as a machine that hangs, would use it up and keep everyone from the next.
"""

import socket
from typing import Any

import asyncpg

from services.runtime.hosts import each_host

IDLE_SECONDS, INTERVAL_SECONDS, PROBES = 10, 5, 4
GONE_AFTER_MS = 1000 * (IDLE_SECONDS + INTERVAL_SECONDS * PROBES)

NOT_TO_BE_HAD = (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)
"""What says that this host is of no use now, and that another may be."""


class WatchedConnection(asyncpg.Connection):
    """A connection that notices within half a minute that the server's machine is gone.

    A machine that loses its power says no goodbye: whoever waits for the answer to a COMMIT would wait for ever.
    """

    def __init__(self, protocol: Any, transport: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(protocol, transport, *arguments, **named)
        line = transport.get_extra_info("socket")
        if line is not None and line.family != socket.AF_UNIX:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE_SECONDS)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, INTERVAL_SECONDS)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, PROBES)
            # Probes are sent only while nothing else waits for its acknowledgement; this limits the rest.
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_AFTER_MS)


async def connect(dsn: str | None = None, *, timeout: float = 5.0, **named: Any) -> asyncpg.Connection:  # noqa: ASYNC109
    """A connection to the first host of the URL that answers and is what its ``target_session_attrs`` asks for.

    Takes what ``asyncpg.connect`` takes. Each host has its share of ``timeout`` seconds. Raises what the last one
    raised.
    """
    hosts = each_host(dsn or "")
    for host in hosts[:-1]:
        try:
            return await asyncpg.connect(host, timeout=timeout / len(hosts), **named)
        except NOT_TO_BE_HAD:
            continue
    return await asyncpg.connect(hosts[-1], timeout=timeout / len(hosts), **named)
