"""Serves an application inside the service's own event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn
from fastapi import FastAPI

from services.runtime.http_connection import HTTPConnection
from services.runtime.lifecycle import Stop
from services.runtime.settings import HTTPSettings

KEEP_ALIVE_SECONDS = 15
GRACE_SECONDS = 5
BACKLOG = 1024

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: signals are the lifecycle's, and it has more than HTTP to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(settings: HTTPSettings) -> socket.socket:
    """A listening socket. Raises OSError saying which address could not be had; port 0 takes any that is free."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        place = f"{settings.host}:{settings.port}"
        raise OSError(
            error.errno, f"cannot listen on {place} ({error.strerror}); set HUIZHI_HTTP_HOST and HUIZHI_HTTP_PORT"
        ) from error


async def serve_http(app: FastAPI, settings: HTTPSettings, stop: Stop, listener: socket.socket | None = None) -> None:
    """Answer requests until the stop, then let those in hand finish. Raises OSError when the address is taken."""
    config = uvicorn.Config(
        app,
        http=HTTPConnection,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        limit_concurrency=settings.max_connections,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)
    with listener or listen(settings) as listening:
        host, port = listening.getsockname()[:2]
        log.info("http_listening", host=host, port=port)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            await serving
        finally:
            stopping.cancel()
            serving.cancel()
