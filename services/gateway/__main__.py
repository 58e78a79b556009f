"""Runs a gateway: ``python -m services.gateway``. Settings come from the environment, see
``services.runtime.settings``.
"""

import sys
from datetime import UTC, datetime

import structlog

from contracts.working_days import is_arranged
from services.gateway.ingress import AMQPIngress
from services.gateway.metrics import GatewayMetrics
from services.gateway.posting import posting_router
from services.gateway.submission import Submission
from services.registry.snapshot import REFRESH_TIMEOUT_S, SnapshotWatcher
from services.runtime.broker import open_broker
from services.runtime.database import open_pool
from services.runtime.health import Health
from services.runtime.http import create_app
from services.runtime.http_server import serve_http
from services.runtime.lifecycle import Stop, run, together
from services.runtime.logging import configure_logging
from services.runtime.metrics import PumpMetrics, service_registry
from services.runtime.quarantine import hop
from services.runtime.settings import (
    AMQPSettings,
    BatchSettings,
    DatabaseSettings,
    HTTPSettings,
    LogSettings,
    PlatformSettings,
    read_settings,
)
from services.runtime.topology import DEAD_LETTERS, INGRESS, LEDGER

DESCRIPTION = "Takes messages from participants. The AMQP contract is in contracts/asyncapi.yaml."

log = structlog.get_logger(__name__)


async def serve(stop: Stop) -> None:
    """Wire the gateway and run it until the stop."""
    amqp, batches, http = read_settings(AMQPSettings), read_settings(BatchSettings), read_settings(HTTPSettings)
    calendar = read_settings(PlatformSettings).calendar()
    _warn_of_estimated_holidays(calendar.local_date(datetime.now(UTC)).year)
    registry, health = service_registry("gateway"), Health()
    metrics = GatewayMetrics(registry)
    broker = open_broker(amqp, "gateway")
    async with (
        open_pool(
            read_settings(DatabaseSettings), application_name="huizhi gateway", statement_timeout_s=REFRESH_TIMEOUT_S
        ) as pool,
        SnapshotWatcher(pool) as snapshots,
    ):
        ingress = AMQPIngress(snapshots, calendar, metrics, stop)
        pumps = hop(
            broker,
            INGRESS,
            [LEDGER, DEAD_LETTERS],
            ingress.handle,
            None,
            settings=batches,
            metrics=PumpMetrics(registry),
            stop=stop,
        )
        submission = Submission(broker, LEDGER, batches.size, metrics)
        # The database is not among the checks: a gateway goes on with its snapshot while it is away.
        for pump in pumps:
            health.add(f"queue {pump.queue}", pump.check)
        health.add("submission", submission.fault)
        app = create_app(
            "Huizhi gateway", DESCRIPTION, health=health, registry=registry, max_body_bytes=http.max_body_bytes
        )
        app.include_router(posting_router(snapshots, calendar, submission, metrics))
        await together(stop, *(pump.run(stop) for pump in pumps), submission.run(stop), serve_http(app, http, stop))


def _warn_of_estimated_holidays(year: int) -> None:
    if not is_arranged(year):
        log.warning("holidays_estimated", year=year)


def main() -> int:
    """The process's exit status."""
    configure_logging("gateway", read_settings(LogSettings).level)
    return run(serve)


if __name__ == "__main__":
    sys.exit(main())
