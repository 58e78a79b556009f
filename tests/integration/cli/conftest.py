"""Some participants of the session's exchange for all tests of the commands, and the commands as scripts call them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from services.cli.__main__ import app
from services.cli.errors import CommandError
from services.cli.stack.stack_file import StackFile
from tests.acceptance.exchange import Exchange
from tests.acceptance.participant import Participant

PAYLOAD = '{"subject": "请协助核实"}'
RESIDENCE = "440106"
ORIGIN = "320104"
PREFECTURE = "4403"
COUNTY = "440303"
LATE = "440304"
MERGED = "440305"
SUCCESSOR = "440306"
PARTICIPANTS = (PREFECTURE, COUNTY, LATE, MERGED, SUCCESSOR, RESIDENCE, ORIGIN)


@dataclass(frozen=True, slots=True)
class RunningStack:
    """The directory of a stack that is up, its addresses, and its participants by their addresses."""

    data: Path
    addresses: StackFile
    participants: Mapping[str, Participant]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(exchange: Exchange) -> RunningStack:
    """The session's exchange, with PARTICIPANTS; every test adds to what is on its ledger."""
    participants = {address: await exchange.add_participant(address) for address in PARTICIPANTS}
    return RunningStack(exchange.data, StackFile.read(exchange.data), participants)


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
