"""A witness as a process: wired together here and nowhere else."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contracts.notes import VerifierKey
from services.runtime.health import Health
from services.runtime.http import create_app
from services.runtime.http_server import listen, serve_http
from services.runtime.lifecycle import Stop
from services.runtime.metrics import service_registry
from services.runtime.settings import HTTPSettings
from services.witness.api import witness_router
from services.witness.identity import KEY, identity
from services.witness.metrics import WitnessMetrics
from services.witness.record import Record, RecordError
from services.witness.trust import Trust
from services.witness.witness import Witness

RECORD = "witness.sqlite3"
DESCRIPTION = "Cosigns the checkpoints of logs that only ever grow (C2SP tlog-witness)."


@dataclass(frozen=True, slots=True)
class Options:
    """Where a witness lives, whom it trusts, how it is called where it has no name yet, and where it listens."""

    directory: Path
    trust: Trust
    name: str | None
    http: HTTPSettings


async def serve(stop: Stop, options: Options, started: Callable[[VerifierKey, str, int], None]) -> None:
    """Run a witness until the stop; ``started`` is told its key, host and port once it listens.

    Raises RecordError, IdentityError, and OSError where the directory or the address cannot be had.
    """
    options.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(_record(options.directory)) as record:
        known = record.logs()
        default = f"{socket.gethostname().lower()}/huizhi-witness"
        key = identity(options.directory, options.name, default, has_cosigned=bool(known))
        registry, health = service_registry("witness"), Health()
        metrics = WitnessMetrics(registry, options.trust.logs)
        for origin in options.trust.logs:
            metrics.cosigned(origin, known.get(origin, 0))
        health.add("record", partial(_check, record))
        app = create_app(
            "Huizhi witness", DESCRIPTION, health=health, registry=registry, max_body_bytes=options.http.max_body_bytes
        )
        app.include_router(witness_router(Witness(options.trust, key, record), metrics))
        with listen(options.http) as listener:
            host, port = listener.getsockname()[:2]
            started(key.verifier, host, port)
            await serve_http(app, options.http, stop, listener)


def _record(directory: Path) -> Record:
    """The record of the witness in ``directory``. Raises RecordError where there is a key and no record: the witness
    would start anew, and cosign whatever history it is shown first.
    """
    path = directory / RECORD
    if (directory / KEY).exists() and not path.exists():
        raise RecordError(f"{path} is missing; put it back, or begin with an empty directory and so with a new key")
    return Record(path)


async def _check(record: Record) -> None:
    """A readiness check: it raises what the disk does."""
    await asyncio.to_thread(record.logs)
