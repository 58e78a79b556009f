"""Programs are kept running, given up with a reason, and stopped in order."""

import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from services.cli.errors import StackError
from services.cli.stack.processes import ProcessBook
from services.cli.stack.supervisor import Program, Stage, Supervisor


def shell(name: str, script: str, directory: Path, stage: Stage = Stage.SERVICE) -> Program:
    return Program(name, ("sh", "-c", script), {"PATH": "/usr/bin:/bin"}, directory / f"{name}.log", stage)


async def test_a_program_that_dies_is_started_again_and_said_so(tmp_path: Path) -> None:
    said: list[str] = []
    book = ProcessBook(tmp_path / "processes.json")
    supervisor = Supervisor(book, said.append)
    await supervisor.start(shell("ledger", "exec sleep 1000", tmp_path))
    first = book["ledger"]
    first.send(signal.SIGKILL)

    async def again() -> bool:
        return book["ledger"] != first

    await supervisor.until_ready("ledger", again, within_s=20)
    assert said == [f"ledger was ended by SIGKILL; starting it again in 1 s. Its log: {tmp_path / 'ledger.log'}"]
    second = book["ledger"]
    await supervisor.stop()
    assert not second.is_alive()
    assert book.alive() == []


async def test_a_program_that_keeps_dying_is_given_up_with_the_end_of_its_log(tmp_path: Path) -> None:
    supervisor = Supervisor(ProcessBook(tmp_path / "processes.json"), print)
    await supervisor.start(shell("router", "echo the broker says no >&2; exit 3", tmp_path))

    async def never() -> bool:
        return False

    with pytest.raises(StackError, match=r"(?s)router ended 3 times.*the broker says no") as caught:
        await supervisor.until_ready("router", never, within_s=60)
    assert "router.log" in str(caught.value)
    await supervisor.stop()


async def test_services_are_stopped_before_the_servers_they_use(tmp_path: Path) -> None:
    order = tmp_path / "order"
    supervisor = Supervisor(ProcessBook(tmp_path / "processes.json"), print)
    for name, stage in (("database", Stage.DATABASE), ("broker", Stage.BROKER), ("ledger", Stage.SERVICE)):
        # A ready file before the wait: a signal that came before the trap was set would end the shell without a word.
        script = f"trap 'echo {name} >>{order}; exit 0' TERM; touch {tmp_path}/{name}.up; while :; do sleep 0.05; done"
        await supervisor.start(shell(name, script, tmp_path, stage))
    for name in ("database", "broker", "ledger"):
        await supervisor.until_ready(name, up_file(tmp_path / f"{name}.up"), within_s=20)
    await supervisor.stop()
    assert order.read_text().split() == ["ledger", "broker", "database"]


async def test_a_program_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path) -> None:
    supervisor = Supervisor(ProcessBook(tmp_path / "processes.json"), print)
    program = Program("gateway", ("/nowhere/gateway",), {}, tmp_path / "gateway.log", Stage.SERVICE)
    with pytest.raises(StackError, match=r"gateway cannot be started.*/nowhere/gateway"):
        await supervisor.start(program)


def up_file(path: Path) -> Callable[[], Awaitable[bool]]:
    async def there() -> bool:
        return path.exists()

    return there
