"""`huizhi up` and `huizhi down` as an operator runs them."""

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.cli.stack.ports import HOST
from services.cli.stack.processes import ProcessBook, ProcessIdentity
from tests.acceptance.exchange import Exchange, environment

pytestmark = pytest.mark.timeout(600)
HUIZHI = (sys.executable, "-m", "services.cli")


class Up:
    """A running `huizhi up` and what it said."""

    def __init__(self, data: Path, process: subprocess.Popen[str], messages: Path) -> None:
        self.data, self.process, self._messages = data, process, messages

    @property
    def stack(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.data / "stack.json").read_text())
        return content

    @property
    def book(self) -> ProcessBook:
        return ProcessBook.read(self.data / "processes.json")

    def messages(self) -> str:
        return self._messages.read_text()

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(120)


@contextmanager
def up(data: Path, environment: dict[str, str], *options: str) -> Iterator[Up]:
    messages = data.with_name(f"{data.name}.messages")
    with messages.open("w") as errors:
        command = [*HUIZHI, "up", "--data", str(data), *options]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
    with process:
        assert process.stdout is not None
        try:
            # Reads until `ready`, or until the end of an `up` that failed.
            said = process.stdout.readline()
            assert said == "ready\n", messages.read_text()
            yield Up(data, process, messages)
        finally:
            subprocess.run([*HUIZHI, "down", "--data", str(data)], env=environment, check=True, capture_output=True)
            process.wait(60)


def until(holds: Callable[[], bool], *, within_s: float = 60) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.1)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HUIZHI, *arguments], env=environment, check=False, capture_output=True, text=True)


def test_a_stack_comes_up_serves_goes_down_with_all_that_it_started_and_continues_where_it_was(
    tmp_path: Path, stack_environment: dict[str, str]
) -> None:
    data = tmp_path / "one"
    with up(data, stack_environment) as first:
        before = first.stack
        expect_serving(first)
        leave_traces(before)
        started = first.book.alive()

        second = run(stack_environment, "up", "--data", str(data))
        assert second.returncode == 1
        assert "already up" in second.stderr

        down = run(stack_environment, "down", "--data", str(data))
        assert down.returncode == 0, down.stderr
        assert first.process.wait(10) == 0
    assert {process.name for process in started} >= {"up", "gateway", "ledger", "router", "broker"}
    assert not any(process.is_alive() for process in started)
    assert not (data / "stack.json").exists()

    again = run(stack_environment, "down", "--data", str(data))
    assert again.returncode == 0
    assert "nothing runs" in again.stderr

    with up(data, stack_environment) as third:
        assert third.stack == before
        expect_traces(before)
        expect_names_restarted(third)
        expect_orphans_cleared_away(third, data, stack_environment)


def expect_serving(stack: Up) -> None:
    assert stat.S_IMODE((stack.data / "stack.json").stat().st_mode) == 0o600
    assert {service["name"] for service in stack.stack["services"]} == {"gateway", "ledger", "router"}
    assert all(is_ready(service["url"]) for service in stack.stack["services"])


def leave_traces(stack: dict[str, Any]) -> None:
    asyncio.run(execute(stack["database_url"], "CREATE TABLE kept_by_a_test (n int)"))
    with httpx.Client(base_url=stack["broker_api_url"], trust_env=False) as client:
        client.put("/api/vhosts/kept-by-a-test").raise_for_status()


def expect_traces(stack: dict[str, Any]) -> None:
    asyncio.run(execute(stack["database_url"], "DROP TABLE kept_by_a_test"))
    with httpx.Client(base_url=stack["broker_api_url"], trust_env=False) as client:
        assert client.get("/api/vhosts/kept-by-a-test").status_code == httpx.codes.OK


def expect_names_restarted(stack: Up) -> None:
    """Erlang's name server is started again; the acceptance tests kill the others, in the middle of their work."""
    names = stack.book["broker-names"]
    assert names.send(signal.SIGKILL)
    until(partial(is_restarted, stack, names))
    assert "broker-names was ended by SIGKILL" in stack.messages()
    assert all(is_ready(service["url"]) for service in stack.stack["services"])


def expect_orphans_cleared_away(first: Up, data: Path, environment: dict[str, str]) -> None:
    """What a killed `up` leaves running is stopped by the next `up`, and by `down`."""
    orphans = kill_up(first)
    with up(data, environment) as second:
        assert "was killed and left" in second.messages()
        assert not any(process.is_alive() for process in orphans)
        assert all(is_ready(service["url"]) for service in second.stack["services"])
        orphans = kill_up(second)
        down = run(environment, "down", "--data", str(data))
        assert down.returncode == 0, down.stderr
        assert not any(process.is_alive() for process in orphans)


def test_a_stack_of_several_instances_on_an_existing_database_comes_and_goes_beside_another(
    tmp_path: Path, empty_database: str, exchange: Exchange
) -> None:
    on_existing = environment() | {"HUIZHI_DATABASE_URL": empty_database}
    with up(tmp_path / "several", on_existing, "--gateways", "2", "--routers", "2", "--ledgers", "2") as several:
        assert several.stack["database_url"] == empty_database
        assert "database" not in {process.name for process in several.book.alive()}
        assert several.stack["amqp_url"] != exchange.stack["amqp_url"]
        assert several.stack["admin_token"] != exchange.stack["admin_token"]
        urls = {service["name"]: service["url"] for service in several.stack["services"]}
        assert set(urls) == {"gateway", "gateway-2", "router", "router-2", "ledger", "ledger-2"}
        others = {service["url"] for service in exchange.stack["services"]}
        assert len(others | set(urls.values())) == 9
        assert all(is_ready(url) for url in (*urls.values(), *others))
        assert several.end() == 0
        assert all(is_ready(url) for url in others)


def test_a_busy_port_of_the_base_is_named_and_nothing_is_started(
    tmp_path: Path, stack_environment: dict[str, str]
) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        refused = run(stack_environment, "up", "--data", str(tmp_path / "busy"), "--port-base", str(port - 1))
    assert refused.returncode == 1
    assert f"port {port}" in refused.stderr
    assert "ledger" in refused.stderr
    assert ProcessBook.read(tmp_path / "busy" / "processes.json").alive() == []


def test_ctrl_c_while_it_starts_leaves_nothing_behind(tmp_path: Path, stack_environment: dict[str, str]) -> None:
    data = tmp_path / "early"
    process = subprocess.Popen(
        [*HUIZHI, "up", "--data", str(data)],
        env=stack_environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        until(lambda: "broker" in {p.name for p in ProcessBook.read(data / "processes.json").alive()})
        started = ProcessBook.read(data / "processes.json").alive()
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 0
    assert not any(identity.is_alive() for identity in started)


def test_an_existing_server_that_is_away_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    environment = os.environ | {"HUIZHI_DATABASE_URL": "postgresql://owner:secret@127.0.0.1:1/huizhi"}
    refused = run(environment, "up", "--data", str(tmp_path / "away"))
    assert refused.returncode == 1
    assert "HUIZHI_DATABASE_URL" in refused.stderr
    assert "secret" not in refused.stderr


def kill_up(stack: Up) -> list[ProcessIdentity]:
    """Those it leaves running."""
    orphans = [process for process in stack.book.alive() if process.name != "up"]
    stack.process.kill()
    stack.process.wait()
    assert all(process.is_alive() for process in orphans)
    return orphans


def is_restarted(stack: Up, before: ProcessIdentity) -> bool:
    now = stack.book.get(before.name)
    return now is not None and now != before and now.is_alive()


async def execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()
