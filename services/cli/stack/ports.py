"""Which port of the loopback interface belongs to what.

A stack takes a block of ports from its base: nine for the servers and the first instance of each service, and from
base + 10 on one for each further instance. Without `--port-base` a free block is found, and kept for the next start.
"""

import json
import random
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.cli.errors import StackError
from services.cli.stack.files import write_private

HOST = "127.0.0.1"
PLACES = {
    "gateway": 0,
    "ledger": 1,
    "router": 2,
    "broker": 3,
    "broker-api": 4,
    "broker-metrics": 5,
    "database": 6,
    "broker-names": 7,
    "broker-distribution": 8,
}
FURTHER = 10
BLOCK = 40

# Below the range that Linux gives to outgoing connections (32768 up), which would come and go in the middle of a block.
LOWEST, HIGHEST = 20_000, 32_000


def layout(base: int, names: Iterable[str]) -> dict[str, int]:
    """The port of each name: those of PLACES have theirs, others (`gateway-2`) follow from base + 10 in their order."""
    further = iter(range(base + FURTHER, base + BLOCK))
    try:
        return {name: base + PLACES[name] if name in PLACES else next(further) for name in names}
    except StopIteration:
        raise StackError(f"at most {BLOCK - FURTHER} further instances fit into a stack's block of ports") from None


def choose(directory: Path, base: int | None, names: Sequence[str]) -> dict[str, int]:
    """The ports of this start: from the base that was asked for, the one of the last start, or the first free block.

    Raises StackError naming the first busy port when a base was asked for.
    """
    memory = directory / "ports.json"
    if base is not None:
        _refuse_busy(base, names)
    else:
        base = _remembered(memory, names) or _free_block(names)
    write_private(memory, json.dumps({"base": base}) + "\n")
    return layout(base, names)


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _refuse_busy(base: int, names: Sequence[str]) -> None:
    for name, port in layout(base, names).items():
        if not is_free(port):
            raise StackError(
                f"port {port}, which would be the {name}'s with --port-base {base}, is in use. "
                "Choose another base, or leave --port-base out to have a free block found."
            )


def _remembered(memory: Path, names: Sequence[str]) -> int | None:
    if not memory.exists():
        return None
    base = int(json.loads(memory.read_text())["base"])
    return base if _all_free(base, names) else None


def _free_block(names: Sequence[str]) -> int:
    # In random order, so that two stacks which look at the same moment do not settle on the same block.
    for base in random.sample(range(LOWEST, HIGHEST, BLOCK), k=(HIGHEST - LOWEST) // BLOCK):
        if _all_free(base, names):
            return base
    raise StackError(f"no block of {BLOCK} free ports between {LOWEST} and {HIGHEST}; name one with --port-base")


def _all_free(base: int, names: Sequence[str]) -> bool:
    return all(is_free(port) for port in layout(base, names).values())
