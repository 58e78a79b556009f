"""The protocol's models hold, their controls are caught, and what they name exists. All of it is `make model`."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_NAMED = re.compile(r"(services/[\w/]+\.py)(?:::([\w.]+))?")


@pytest.mark.timeout(300)
def test_the_models_hold_and_broken_rules_are_caught() -> None:
    for tool in ("spin", "gcc"):
        assert shutil.which(tool), f"{tool} is missing: `make setup` installs it"
    run = subprocess.run([HERE / "run.sh", "quick"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "NOT caught" not in run.stdout
    assert run.stdout.count(" caught: ") == 21, run.stdout
    assert run.stdout.count(" holds ") == 7, run.stdout


@pytest.mark.parametrize(("model", "least"), [("custody.pml", 12), ("quarantine.pml", 5)])
def test_every_function_that_a_model_names_is_in_the_code(model: str, least: int) -> None:
    named = set(_NAMED.findall((HERE / model).read_text("utf-8")))
    assert len(named) >= least
    missing = [f"{path}::{name}" for path, name in sorted(named) if not _defines(ROOT / path, name)]
    assert not missing, f"{model} names what is not there: {', '.join(missing)}"


def _defines(path: Path, name: str) -> bool:
    """Whether the module at ``path`` is there and defines ``name``, which may be dotted or empty."""
    if not path.is_file():
        return False
    body = ast.parse(path.read_text("utf-8")).body
    for part in filter(None, name.split(".")):
        found = [
            n for n in body if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and n.name == part
        ]
        if not found:
            return False
        body = found[0].body
    return True
