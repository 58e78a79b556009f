"""A command is imported when it is asked for: what checks a proof offline waits for no server's library."""

import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from services.cli.__main__ import app
from services.cli.lazy import lazy_app

_LOADED = """
import sys
from typer.testing import CliRunner
from services.cli.__main__ import app
result = CliRunner().invoke(app, sys.argv[1:])
assert result.exit_code == 0, result.output
print("\\n".join(sys.modules))
"""


def _loaded_by(*words: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", _LOADED, *words], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_checking_a_proof_loads_no_server_and_no_client() -> None:
    loaded = _loaded_by("log", "check", "--help")

    assert "services.cli.log.check" in loaded
    assert not loaded & {"alembic", "sqlalchemy", "asyncpg", "aio_pika", "fastapi", "httpx", "services.cli.stack.up"}


def test_what_is_said_not_to_be_loaded_would_be_found() -> None:
    assert {"alembic", "sqlalchemy", "services.cli.stack.up"} <= _loaded_by("up", "--help")


def test_help_lists_every_command_with_its_sentence() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output

    assert "Start a local stack and hold it" in shown
    assert "Verify the ledger's log, and prove what it says." in shown


@pytest.mark.parametrize(
    ("words", "said"), [(["lg"], "No such command 'lg'"), (["log", "chek"], "Did you mean 'check'")]
)
def test_a_command_that_does_not_exist_is_said_so(words: list[str], said: str) -> None:
    result = CliRunner().invoke(app, words)

    assert result.exit_code == 2
    assert said in result.output


def test_a_function_and_an_application_are_both_commands() -> None:
    found = typer.main.get_command(lazy_app({"send": "services.cli.send:send", "log": "services.cli.log:app"}))

    assert list(found.commands) == ["send", "log"]  # type: ignore[attr-defined]  # It is a group.
    assert "check" in found.commands["log"].commands  # type: ignore[attr-defined]  # The same.
