"""The protocol's model holds, its controls are caught, and what it names exists. The whole of it is `make model`."""

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
def test_the_model_holds_and_each_broken_rule_is_caught() -> None:
    for tool in ("spin", "gcc"):
        assert shutil.which(tool), f"{tool} is missing: `make setup` installs it"
    run = subprocess.run([HERE / "run.sh", "quick"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "NOT caught" not in run.stdout
    assert run.stdout.count(" caught: ") == 16, run.stdout
    assert run.stdout.count(" holds ") >= 3, run.stdout


def test_every_function_that_the_model_names_is_in_the_code() -> None:
    named = set(_NAMED.findall((HERE / "custody.pml").read_text("utf-8")))
    assert len(named) >= 6
    missing = [f"{path}::{name}" for path, name in sorted(named) if not _defines(ROOT / path, name)]
    assert not missing, f"custody.pml names what is not there: {', '.join(missing)}"


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
