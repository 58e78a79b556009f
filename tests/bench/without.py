"""Runs a service with a part of it left out, to see what the part costs:

    python -m tests.bench.without tree services.ledger

The shipped code has no switch for this. What is left out is replaced where it is used, before the service's ``main``
runs.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contracts.leaf import encode_data
from contracts.merkle import HASH_BYTES
from services.ledger import publishing, sequencer
from services.ledger.records import NewEntry, SealedEntry
from services.ledger.store import writing


class _NoHashes(dict[int, bytes]):
    def __missing__(self, _index: int) -> bytes:
        return b""


def tree() -> None:
    """Entries are written as they are: no totals, no leaves, no hashes above them, no checkpoints."""

    def as_they_are(entries: Iterable[NewEntry], *_more: Any) -> list[SealedEntry]:
        return [
            SealedEntry(one.index, one.at, one.event, one.message_id, encode_data(one.data), bytes(HASH_BYTES))
            for one in entries
        ]

    async def no_totals(*_arguments: Any) -> dict[Any, Any]:
        return {}

    async def no_growth(_connection: Any, decision: Any, _entries: Any) -> None:
        decision.leaf_hashes = _NoHashes()

    async def no_checkpoint(_publisher: Any) -> None:
        return None

    _put(sequencer, "seal", as_they_are)
    _put(writing, "load_totals", no_totals)
    _put(sequencer, "_grow_tree", no_growth)
    _put(publishing.Publisher, "publish", no_checkpoint)


PARTS: Mapping[str, Callable[[], None]] = {"tree": tree}


def _put(place: object, name: str, thing: object) -> None:
    assert hasattr(place, name), f"{place} has no {name} any more: mend this benchmark"
    setattr(place, name, thing)


def main() -> int:
    """Leave the part out, then run the service."""
    part, service = sys.argv[1:3]
    module = importlib.import_module(f"{service}.__main__")
    PARTS[part]()
    status: int = module.main()
    return status


if __name__ == "__main__":
    sys.exit(main())
