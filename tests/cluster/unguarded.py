"""Runs a service with one guard switched off: a COMMIT that warns passes for a commit. For a control only.

python tests/cluster/unguarded.py services.ledger
"""

import runpy
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.ledger.store import transaction
from services.ledger.store.connection import Connection


@asynccontextmanager
async def _trusting(connection: Connection) -> AsyncIterator[None]:
    async with connection.transaction():
        yield


transaction.transaction = _trusting
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
