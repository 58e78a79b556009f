"""Runs a router: ``python -m services.router``. Settings come from the environment, see
``services.runtime.settings``.
"""

import sys

from services.registry.snapshot import REFRESH_TIMEOUT_S, SnapshotWatcher
from services.router.dispatch import Dispatching, split_dispatch
from services.router.metrics import RouterMetrics
from services.router.parking import Parking
from services.router.placing import Placing
from services.router.settings import RouterSettings
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
    DatabaseSettings,
    HTTPSettings,
    LogSettings,
    read_settings,
)
from services.runtime.topology import DEAD_LETTERS, DISPATCH, INBOX, PARKING, REPORTS

DESCRIPTION = "Places messages into inboxes. It has no interface but its health and its metrics."


async def serve(stop: Stop) -> None:
    """Wire the router and run it until the stop."""
    amqp, http, routing = read_settings(AMQPSettings), read_settings(HTTPSettings), read_settings(RouterSettings)
    registry, health = service_registry("router"), Health()
    broker = open_broker(amqp, "router")
    async with (
        open_pool(
            read_settings(DatabaseSettings), application_name="huizhi router", statement_timeout_s=REFRESH_TIMEOUT_S
        ) as pool,
        SnapshotWatcher(pool) as snapshots,
    ):
        placing = Placing(snapshots, RouterMetrics(registry), stop, routing.receipt_patience_s)
        dispatching = Dispatching(placing, stop)
        pumps = hop(
            broker,
            DISPATCH,
            [INBOX, PARKING, REPORTS, DEAD_LETTERS],
            dispatching.handle,
            split_dispatch,
            settings=routing.batches(),
            metrics=PumpMetrics(registry),
            stop=stop,
        )
        parking = Parking(broker, placing, routing.sweep_interval_s)
        snapshots.on_change(lambda _snapshot: parking.nudge())
        # The database is not among the checks: a router goes on with its snapshot while it is away.
        for pump in pumps:
            health.add(f"queue {pump.queue}", pump.check)
        app = create_app(
            "Huizhi router", DESCRIPTION, health=health, registry=registry, max_body_bytes=http.max_body_bytes
        )
        await together(stop, *(pump.run(stop) for pump in pumps), parking.run(stop), serve_http(app, http, stop))


def main() -> int:
    """The process's exit status."""
    configure_logging("router", read_settings(LogSettings).level)
    return run(serve)


if __name__ == "__main__":
    sys.exit(main())
