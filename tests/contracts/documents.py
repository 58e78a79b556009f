"""Writes the contract documents that follow from the code, and says which of them no longer do.

``python -m tests.contracts.documents`` writes ``contracts/openapi/*.json`` and the generated part of
``contracts/schemas``; with ``--check`` it only compares, which ``make check`` does.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import asyncpg
from fastapi import APIRouter

from contracts.kinds import ANSWER_SCHEMA, built_in_kinds
from contracts.period import Calendar
from contracts.targets import Targets
from services.gateway import __main__ as gateway
from services.gateway.metrics import GatewayMetrics
from services.gateway.posting import posting_router
from services.gateway.submission import Submission
from services.ledger import __main__ as ledger
from services.ledger.api import ledger_router
from services.ledger.circular_api import circular_router
from services.ledger.custody_api import custody_router
from services.ledger.log_api import log_router
from services.ledger.ordering import Ordering
from services.ledger.periods_api import periods_router
from services.ledger.proofs_api import proofs_router
from services.ledger.reminders_api import reminders_router
from services.registry.snapshot import Snapshot, SnapshotWatcher
from services.runtime.amqp.broker import AioPikaBroker
from services.runtime.health import Health
from services.runtime.http import create_app
from services.runtime.metrics import service_registry
from services.runtime.topology import LEDGER

CONTRACTS = Path(__file__).parents[2] / "contracts"
SCHEMAS = CONTRACTS / "schemas"
_CALENDAR = Calendar(ZoneInfo("Asia/Shanghai"))
# The routes are described here and never called, so nothing stands behind them.
_NO_POOL = cast("asyncpg.Pool[Any]", None)


def generated() -> dict[Path, str]:
    """Every generated document: its path and what it should hold."""
    documents: dict[Path, Mapping[str, Any]] = {
        CONTRACTS / "openapi" / "gateway.json": gateway_document(),
        CONTRACTS / "openapi" / "ledger.json": ledger_document(),
        SCHEMAS / "answer-payload.json": ANSWER_SCHEMA,
    }
    documents |= {SCHEMAS / "kinds" / f"{kind.name}.json": kind.schema for kind in built_in_kinds()}
    return {path: json.dumps(content, ensure_ascii=False, indent=2) + "\n" for path, content in documents.items()}


def gateway_document() -> dict[str, Any]:
    """OpenAPI of the gateway, as its running application serves it at ``/openapi.json``."""
    metrics = GatewayMetrics(service_registry("gateway"))
    submission = Submission(AioPikaBroker("amqp://localhost", name="gateway"), LEDGER, 1, metrics)
    routes = posting_router(SnapshotWatcher(_NO_POOL), _CALENDAR, submission, metrics)
    return _document("Huizhi gateway", gateway.DESCRIPTION, routes)


def ledger_document() -> dict[str, Any]:
    """OpenAPI of the ledger, as its running application serves it at ``/openapi.json``."""
    ordering = Ordering(AioPikaBroker("amqp://localhost", name="ledger"))
    routes = [
        ledger_router(_NO_POOL, _no_snapshot, _CALENDAR),
        periods_router(_NO_POOL, _no_snapshot, _CALENDAR, ordering),
        custody_router(_NO_POOL, _no_snapshot, _CALENDAR),
        reminders_router(_NO_POOL, _no_snapshot, _CALENDAR, ordering),
        circular_router(_NO_POOL, _no_snapshot, _CALENDAR, Targets()),
        proofs_router(_NO_POOL, _no_snapshot),
        log_router(_NO_POOL, _no_snapshot, [], "public"),
    ]
    return _document("Huizhi ledger", ledger.DESCRIPTION, *routes)


def _no_snapshot() -> Snapshot:
    return cast("Snapshot", None)


def differing() -> list[Path]:
    """The generated documents that are missing, or differ, or should not be there."""
    wanted = generated()
    wrong = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    present = {*(CONTRACTS / "openapi").glob("*.json"), *(SCHEMAS / "kinds").glob("*.json")}
    return sorted([*wrong, *(present - wanted.keys())])


def write() -> None:
    """Write them all, and remove those of kinds that are no more."""
    wanted = generated()
    for path in differing():
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path], "utf-8")
        else:
            path.unlink()


def _document(title: str, description: str, *routes: APIRouter) -> dict[str, Any]:
    app = create_app(title, description, health=Health(), registry=service_registry("document"), max_body_bytes=1)
    for router in routes:
        app.include_router(router)
    return app.openapi()


def main() -> int:
    """The exit status: 1 where ``--check`` finds a difference."""
    if "--check" not in sys.argv[1:]:
        write()
        return 0
    wrong = differing()
    for path in wrong:
        sys.stderr.write(f"{path} is not what the code says; write it anew: python -m tests.contracts.documents\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
