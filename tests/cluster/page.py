"""The commands of docs/operations/clusters.md, as the tests try them."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "clusters.md"
_BLOCK = re.compile(r"<!-- tried: (?P<where>[a-z]+) -->\n```sh\n(?P<lines>.*?)```", re.DOTALL)


def commands(where: str, ours: Mapping[str, str]) -> list[list[str]]:
    """The commands that the page has for ``where``, as arguments, with names of the page replaced by ``ours``."""
    found = [
        line for block in _BLOCK.finditer(_text()) if block["where"] == where for line in block["lines"].splitlines()
    ]
    assert found, f"{PAGE.name} has no commands for {where}"
    return [[_in_our_names(argument, ours) for argument in shlex.split(line)] for line in found]


def places() -> set[str]:
    """Where the page has commands to be tried."""
    return {block["where"] for block in _BLOCK.finditer(_text())}


def untried() -> list[str]:
    """Blocks of commands for a shell that no test tries."""
    blocks = re.findall(r"(?<!-->\n)```sh\n(.*?)```", _text(), re.DOTALL)
    # What only sets variables is no command; tests/cluster/test_broker_cluster.py and its neighbour set them.
    return [block for block in blocks if not all(re.match(r"[A-Z_]+='", line) for line in block.splitlines())]


def _text() -> str:
    return PAGE.read_text(encoding="utf-8")


def _in_our_names(argument: str, ours: Mapping[str, str]) -> str:
    for name, replacement in ours.items():
        argument = argument.replace(name, replacement)
    return argument
