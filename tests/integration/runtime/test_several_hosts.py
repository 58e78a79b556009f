"""A URL of several hosts: the one that is of use is found beside one that is gone and one that hangs."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import pytest
import pytest_asyncio

from services.cli.stack.broker import BrokerAddress
from services.runtime.database import DatabaseUnavailable, open_pool
from services.runtime.database_connection import GONE_AFTER_MS, connect
from services.runtime.ports import SinkLost
from services.runtime.settings import DatabaseSettings
from tests.integration.runtime.behaviour import OpenBroker

GONE = "127.0.0.1:1"


@contextmanager
def hanging() -> Iterator[str]:
    """A host whose kernel takes connections in, and whose server says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest_asyncio.fixture
async def hung() -> AsyncIterator[str]:
    with hanging() as place:
        yield place


def beside(url: str, *others: str) -> str:
    """The URL with other hosts before its own."""
    parts = urlsplit(url)
    entry, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{entry}@{','.join([*others, host])}"))


async def test_a_sink_is_opened_on_the_node_that_answers(
    implementation: OpenBroker, broker: BrokerAddress, vhost: str, hung: str
) -> None:
    url = beside(broker.amqp_url(vhost), GONE, hung)
    for _ in range(3):
        async with implementation(url, 5.0).open_sink("out") as sink:
            assert sink.alive


async def test_a_broker_of_which_no_node_answers_is_given_up_in_time(implementation: OpenBroker, hung: str) -> None:
    started = asyncio.get_running_loop().time()
    with pytest.raises(SinkLost, match=r"TimeoutError|Connect call failed|AMQPConnectionError"):
        async with implementation(f"amqp://a:b@{GONE},{hung},{hung}/", 5.0).open_sink("out"):
            pass
    assert asyncio.get_running_loop().time() - started < 6


async def test_the_database_that_can_be_written_to_is_found(empty_database: str, hung: str) -> None:
    url = beside(empty_database, hung, GONE) + "?target_session_attrs=read-write"
    async with open_pool(DatabaseSettings(url=url), application_name="test", min_size=2) as pool:
        assert await pool.fetchval("SELECT NOT pg_is_in_recovery()")


async def test_a_start_waits_for_a_host_that_can_be_written_to(empty_database: str) -> None:
    settings = DatabaseSettings(url=beside(empty_database, GONE) + "?target_session_attrs=standby", start_timeout_s=0.5)
    with pytest.raises(DatabaseUnavailable, match="TargetServerAttributeNotMatched"):
        async with open_pool(settings, application_name="test"):
            pass


async def test_a_wrong_password_is_not_tried_on_the_next_host(empty_database: str) -> None:
    parts = urlsplit(empty_database)
    wrong = urlunsplit(parts._replace(netloc=f"{parts.username}:wrong@{parts.hostname}:{parts.port},{GONE}"))
    with pytest.raises(Exception, match="password authentication failed"):
        await connect(wrong, timeout=5)


async def test_a_line_to_a_machine_that_is_gone_does_not_stay_open_for_ever(empty_database: str) -> None:
    async with (
        open_pool(DatabaseSettings(url=empty_database), application_name="test") as pool,
        pool.acquire() as connection,
    ):
        line = connection._transport.get_extra_info("socket")  # type: ignore[attr-defined]  # noqa: SLF001
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == GONE_AFTER_MS
