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
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.cli.stack.ports import HOST
from services.cli.stack.processes import ProcessBook, ProcessIdentity

pytestmark = pytest.mark.timeout(300)
HUIZHI = (sys.executable, "-m", "services.cli")
SERVERS = {"database", "broker", "broker-names"}


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


def test_a_stack_comes_up_serves_and_goes_down_with_all_that_it_started(
    tmp_path: Path, stack_environment: dict[str, str]
) -> None:
    data = tmp_path / "one"
    with up(data, stack_environment) as first:
        stack = first.stack
        assert stat.S_IMODE((data / "stack.json").stat().st_mode) == 0o600
        assert {service["name"] for service in stack["services"]} == {"gateway", "ledger", "router"}
        assert all(is_ready(service["url"]) for service in stack["services"])
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


def test_a_second_up_continues_with_the_data_and_the_ports_of_the_first(
    tmp_path: Path, stack_environment: dict[str, str]
) -> None:
    data = tmp_path / "kept"
    with up(data, stack_environment) as first:
        before = first.stack
        asyncio.run(execute(before["database_url"], "CREATE TABLE kept_by_a_test (n int)"))
        with httpx.Client(base_url=before["broker_api_url"], trust_env=False) as client:
            client.put("/api/vhosts/kept-by-a-test").raise_for_status()
        assert first.end() == 0
    with up(data, stack_environment) as second:
        assert second.stack == before
        asyncio.run(execute(before["database_url"], "DROP TABLE kept_by_a_test"))
        with httpx.Client(base_url=before["broker_api_url"], trust_env=False) as client:
            assert client.get("/api/vhosts/kept-by-a-test").status_code == httpx.codes.OK


def test_two_stacks_run_side_by_side_and_one_goes_without_the_other(
    tmp_path: Path, stack_environment: dict[str, str]
) -> None:
    own_database = {name: value for name, value in stack_environment.items() if name != "HUIZHI_DATABASE_URL"}
    with ExitStack() as stacks:
        one = stacks.enter_context(up(tmp_path / "one", stack_environment))
        several = ("--gateways", "2", "--routers", "2", "--ledgers", "2")
        two = stacks.enter_context(up(tmp_path / "two", own_database, *several))
        assert one.stack["amqp_url"] != two.stack["amqp_url"]
        assert one.stack["admin_token"] != two.stack["admin_token"]
        assert one.end() == 0
        urls = {service["name"]: service["url"] for service in two.stack["services"]}
        assert set(urls) == {"gateway", "gateway-2", "router", "router-2", "ledger", "ledger-2"}
        assert len(set(urls.values())) == 6
        assert all(is_ready(url) for url in urls.values())


def test_whatever_is_killed_is_started_again_and_said_so(tmp_path: Path, stack_environment: dict[str, str]) -> None:
    with up(tmp_path / "killed", stack_environment) as stack:
        for victim in ["gateway", "router", "ledger", *sorted(SERVERS & {p.name for p in stack.book.alive()})]:
            first = stack.book[victim]
            assert first.send(signal.SIGKILL)
            until(partial(is_restarted, stack, first))
            assert f"{victim} was ended by SIGKILL" in stack.messages()
            until(lambda: all(is_ready(service["url"]) for service in stack.stack["services"]), within_s=120)


def test_what_a_killed_up_left_behind_is_cleared_away_by_the_next_up_and_by_down(
    tmp_path: Path, stack_environment: dict[str, str]
) -> None:
    data = tmp_path / "orphans"
    with up(data, stack_environment) as first:
        orphans = kill_up(first)
        with up(data, stack_environment) as second:
            assert "was killed and left" in second.messages()
            assert not any(process.is_alive() for process in orphans)
            assert all(is_ready(service["url"]) for service in second.stack["services"])
            orphans = kill_up(second)
            down = run(stack_environment, "down", "--data", str(data))
            assert down.returncode == 0, down.stderr
            assert not any(process.is_alive() for process in orphans)


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


def test_a_stack_stands_on_an_existing_database(tmp_path: Path, empty_database: str) -> None:
    environment = os.environ | {"HUIZHI_DATABASE_URL": empty_database}
    with up(tmp_path / "existing", environment) as stack:
        assert stack.stack["database_url"] == empty_database
        assert "database" not in {process.name for process in stack.book.alive()}


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
