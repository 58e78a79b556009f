"""One stack for all tests of the commands, with some participants, and the commands as scripts call them."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from services.cli.__main__ import app
from services.cli.client import API, ProblemAnsweredError
from services.cli.demo.cast import append_credentials
from services.cli.errors import CommandError
from services.cli.participant import CREDENTIALS_FILE
from services.cli.posting import body_of
from services.cli.registry import on_participants
from services.cli.stack.progress import Terminal
from services.cli.stack.stack_file import StackFile
from services.cli.stack.up import Options, running_stack
from services.registry.participants import Credentials, Participants

PAYLOAD = '{"subject": "请协助核实"}'
RESIDENCE = "440106"
ORIGIN = "320104"
PREFECTURE = "4403"
COUNTY = "440303"
LATE = "440304"
MERGED = "440305"
SUCCESSOR = "440306"
PARTICIPANTS = (PREFECTURE, COUNTY, LATE, MERGED, SUCCESSOR, RESIDENCE, ORIGIN)
_SETTINGS = {"HUIZHI_LEDGER_SCHEDULE_INTERVAL_S": "0.5"}


@dataclass(frozen=True, slots=True)
class RunningStack:
    """The directory of a stack that is up, its addresses, and what its participants were given."""

    data: Path
    addresses: StackFile
    participants: dict[str, Credentials]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningStack]:
    """A stack with PARTICIPANTS, whose scheduler looks often; every test adds to what is on its ledger."""
    data = tmp_path_factory.mktemp("stack")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _SETTINGS.items():
            patch.setenv(name, value)
        async with _running(data) as running:
            yield running


@asynccontextmanager
async def _running(data: Path) -> AsyncIterator[RunningStack]:
    async with running_stack(Options(data), Terminal()) as addresses:

        async def add(participants: Participants, _directory: object) -> dict[str, Credentials]:
            return {address: await participants.add(address) for address in PARTICIPANTS}

        added = await asyncio.to_thread(on_participants, data, add)
        append_credentials(data / CREDENTIALS_FILE, list(added.values()))
        await asyncio.to_thread(_known_to_the_services, data)
        yield RunningStack(data, addresses, added)


def _known_to_the_services(data: Path) -> None:
    """Return once gateway and router, which look at the registry every second, have seen the participants."""
    fields = {"id": str(uuid.uuid4()), "type": "notice", "to": RESIDENCE, "kind": "service.notice", "from": ORIGIN}
    with API(data) as api:
        while (custody := _taken(api, body_of(fields, PAYLOAD))) is None:
            pass
        while (message := api.message(custody["id"])) is None or message["dispatched_at"] is None:
            pass


def _taken(api: API, body: bytes) -> dict[str, Any] | None:
    with suppress(ProblemAnsweredError):
        return api.post(body)
    return None


Run = Callable[..., Result]


@pytest.fixture
def run(stack: RunningStack, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the stack; a CommandError is raised as it is."""
    monkeypatch.setenv("HUIZHI_DATA", str(stack.data))
    return call


def call(*words: object, status: int = 0) -> Result:
    """Run a command in this process."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(result.exception, CommandError):
        raise result.exception
    assert result.exit_code == status, result.output
    return result


def call_json(*words: object, status: int = 0) -> Any:
    """Run a command with --json and read what it printed."""
    return json.loads(call(*words, "--json", status=status).stdout)


def send_query(*options: object) -> str:
    """A new query from ORIGIN to RESIDENCE, by its id."""
    words = ("send", RESIDENCE, "--from", ORIGIN, "--kind", "case.assist", "--payload", PAYLOAD)
    return call(*words, *options).stdout.strip()
