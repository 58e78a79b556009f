"""The server in the service's loop: it serves, it stops with the service, it leaves signals alone."""

import asyncio
import signal

import httpx
import pytest

from services.runtime.health import Health
from services.runtime.http import create_app
from services.runtime.http_server import listen, serve_http
from services.runtime.lifecycle import Stop
from services.runtime.metrics import service_registry
from services.runtime.settings import HTTPSettings


async def test_it_serves_until_the_stop_and_finishes_what_is_in_hand() -> None:
    app = create_app("Test", "", health=Health(), registry=service_registry("test"), max_body_bytes=1024)
    entered, leave = asyncio.Event(), asyncio.Event()

    @app.get("/slow")
    async def slow() -> str:
        entered.set()
        await leave.wait()
        return "done"

    stop, settings = Stop(), HTTPSettings(port=0)
    listener = listen(settings)
    port = listener.getsockname()[1]
    before = signal.getsignal(signal.SIGTERM)
    serving = asyncio.create_task(serve_http(app, settings, stop, listener))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert (await client.get("/healthz")).json() == {"status": "alive"}
        assert signal.getsignal(signal.SIGTERM) is before
        asking = asyncio.create_task(client.get("/slow"))
        await entered.wait()
        stop.set()
        leave.set()
        assert (await asking).json() == "done"
    async with asyncio.timeout(10):
        await serving

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_taken_address_is_an_error_that_names_it() -> None:
    with listen(HTTPSettings(port=0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}.*HUIZHI_HTTP_PORT"):
            listen(HTTPSettings(port=port))
