"""A client that never finishes its request holds its connection for a bounded time, and nobody else's."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from services.runtime import http_connection
from services.runtime.health import Health
from services.runtime.http import create_app
from services.runtime.http_server import listen, serve_http
from services.runtime.lifecycle import Stop
from services.runtime.metrics import service_registry
from services.runtime.settings import HTTPSettings

BOUND_SECONDS = 0.5
UNFINISHED = [
    b"",
    b"GET /healthz HTTP/1.1\r\nX-Never: ",
    b"POST /items HTTP/1.1\r\nHost: h\r\nContent-Length: 90\r\n\r\n{",
    b"POST /items HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\nPOST /items HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{",
]


@pytest_asyncio.fixture(loop_scope="session")
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(http_connection, "REQUEST_SECONDS", BOUND_SECONDS)
    app = create_app("Test", "", health=Health(), registry=service_registry("test"), max_body_bytes=1024)

    @app.post("/items")
    async def items() -> None:
        raise AssertionError("half a request was handled")

    stop, settings = Stop(), HTTPSettings(port=0)
    listener = listen(settings)
    serving = asyncio.create_task(serve_http(app, settings, stop, listener))
    yield int(listener.getsockname()[1])
    stop.set()
    await serving


@pytest.mark.parametrize("begun", UNFINISHED)
async def test_it_is_cut_off_when_its_time_is_over(port: int, begun: bytes, caplog: pytest.LogCaptureFixture) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
    for _, writer in held:
        writer.write(begun)

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        assert (await client.get("/healthz")).status_code == httpx.codes.OK
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(until_cut_off(reader) for reader, _ in held))
    for _, writer in held:
        writer.close()

    assert all(b"500" not in answer for answer in answers)
    assert not [record for record in caplog.records if record.exc_info]


async def until_cut_off(reader: asyncio.StreamReader) -> bytes:
    """What the server says until it closes the connection. What a busy one has not read yet makes that a reset."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def test_a_byte_now_and_then_gains_no_time(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    closed = asyncio.create_task(until_cut_off(reader))
    started = asyncio.get_running_loop().time()
    while not closed.done():
        writer.write(b"G")
        await asyncio.wait((closed,), timeout=BOUND_SECONDS / 10)
        assert asyncio.get_running_loop().time() - started < 20
    writer.close()


async def test_a_client_that_waits_between_its_requests_is_not_cut_off(port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        async with client.stream("GET", "/healthz") as first:
            await first.aread()
            stream = first.extensions["network_stream"]
        await asyncio.sleep(2 * BOUND_SECONDS)
        async with client.stream("GET", "/healthz") as second:
            assert second.extensions["network_stream"] is stream
