"""Runs a ledger: ``python -m services.ledger``. Settings come from the environment, see
``services.runtime.settings``.
"""

import sys

from contracts.kinds import Kind
from services.ledger.api import ledger_router
from services.ledger.channels import channels
from services.ledger.circular_api import circular_router
from services.ledger.custody_api import custody_router
from services.ledger.gauges import keep_gauges
from services.ledger.intake import LedgerIntake, split_ledger_batch
from services.ledger.keys import read_keys
from services.ledger.listing_api import listing_router
from services.ledger.log_api import log_router
from services.ledger.metrics import LedgerMetrics
from services.ledger.notifying import Notifier
from services.ledger.ordering import Ordering
from services.ledger.periods_api import periods_router
from services.ledger.proofs_api import proofs_router
from services.ledger.publishing import Publisher
from services.ledger.reminders_api import reminders_router
from services.ledger.scheduling import Scheduler
from services.ledger.sequencer import Sequencer
from services.ledger.set_aside import SettingAside
from services.ledger.settings import LedgerSettings, ProofSettings
from services.ledger.waiting import Patience
from services.ledger.witness_file import read_witnesses
from services.ledger.witnesses import Witnesses, log_size_of
from services.registry.snapshot import SnapshotWatcher
from services.runtime.broker import open_broker
from services.runtime.database import UNANSWERED, database_check, open_pool
from services.runtime.health import Health
from services.runtime.http import answer_unavailable, create_app
from services.runtime.http_server import serve_http
from services.runtime.lifecycle import Stop, run, together
from services.runtime.logging import configure_logging
from services.runtime.metrics import PumpMetrics, service_registry
from services.runtime.pump import Pump
from services.runtime.quarantine import ONE_AT_A_TIME, hop
from services.runtime.settings import (
    AMQPSettings,
    DatabaseSettings,
    HTTPSettings,
    LogSettings,
    PlatformSettings,
    TargetSettings,
    read_settings,
)
from services.runtime.topology import DEAD_LETTERS, DISPATCH, LEDGER, REPORTS, SET_ASIDE
from services.runtime.trials import Trials

DESCRIPTION = "Answers what was asked, answered and left unanswered, and whether it all adds up."
_WRITER_CONNECTIONS = 3
"""The sequencer's, one for what is set aside, and the publisher's."""


async def serve(stop: Stop) -> None:
    """Wire the ledger and run it until the stop. Writing and reading have pools of their own: neither waits for the
    other.
    """
    amqp, database, http = read_settings(AMQPSettings), read_settings(DatabaseSettings), read_settings(HTTPSettings)
    own = read_settings(LedgerSettings)
    platform, proof = read_settings(PlatformSettings), read_settings(ProofSettings)
    calendar, targets = platform.calendar(), read_settings(TargetSettings).read()
    origin = proof.origin(platform.scope)
    keys = read_keys(proof.key_files(), origin)
    addresses = read_witnesses(proof.witnesses)
    registry, health = service_registry("ledger"), Health()
    metrics = LedgerMetrics(registry)
    broker = open_broker(amqp, "ledger")
    writing = database.model_copy(update={"pool_size": _WRITER_CONNECTIONS})
    async with (
        open_pool(writing, application_name="huizhi ledger writer") as writer,
        open_pool(database, application_name="huizhi ledger reader", statement_timeout_s=own.query_timeout_s) as reader,
        SnapshotWatcher(reader) as snapshots,
        Witnesses(addresses, metrics, log_size_of(reader), proof.witness_timeout_s) as witnesses,
    ):

        def asked(address: str) -> str | None:
            participant = snapshots.current.nearest(address)
            return participant.address if participant else None

        def kind(name: str) -> Kind | None:
            return snapshots.current.kinds.get(name)

        sequencer = Sequencer(writer, calendar, asked, kind, own.transaction_timeout_s)
        ordering = Ordering(broker)
        notifier = Notifier(channels(own.notify_urls), metrics, own.notify_timeout_s)
        patience = Patience(metrics, stop)
        pump_metrics, trials = PumpMetrics(registry), Trials()
        pumps = [
            pump
            for queue in (LEDGER, REPORTS)
            for pump in hop(
                broker,
                queue,
                [DISPATCH, DEAD_LETTERS],
                LedgerIntake(queue, sequencer, patience, metrics, stop, notifier.committed).handle,
                split_ledger_batch,
                settings=own.batches(),
                metrics=pump_metrics,
                stop=stop,
                on_open=sequencer.release,
                trials=trials,
            )
        ]
        aside = SettingAside(writer, patience, metrics, stop, own.transaction_timeout_s)
        pumps.append(
            Pump(
                broker,
                queue=DEAD_LETTERS,
                exchanges=[SET_ASIDE],
                handle=aside.handle,
                settings=ONE_AT_A_TIME,
                metrics=pump_metrics,
            )
        )
        for pump in pumps:
            health.add(f"queue {pump.queue}", pump.check)
        publisher = Publisher(
            writer, origin, keys, witnesses, interval_s=proof.interval_s, timeout_s=own.transaction_timeout_s
        )
        health.add("writing", patience.check)
        health.add("publishing", publisher.check)
        health.add("database", database_check(reader))
        app = create_app(
            "Huizhi ledger", DESCRIPTION, health=health, registry=registry, max_body_bytes=http.max_body_bytes
        )
        answer_unavailable(app, UNANSWERED, "the ledger's database does not answer now; ask again in a moment")
        app.include_router(ledger_router(reader, lambda: snapshots.current, calendar))
        app.include_router(listing_router(reader, lambda: snapshots.current, calendar))
        app.include_router(periods_router(reader, lambda: snapshots.current, calendar, ordering))
        app.include_router(circular_router(reader, lambda: snapshots.current, calendar, targets))
        app.include_router(custody_router(reader, lambda: snapshots.current, calendar))
        app.include_router(reminders_router(reader, lambda: snapshots.current, calendar, ordering))
        app.include_router(proofs_router(reader, lambda: snapshots.current))
        app.include_router(log_router(reader, lambda: snapshots.current, [key.verifier for key in keys], proof.access))
        await together(
            stop,
            *(pump.run(stop) for pump in pumps),
            Scheduler(reader, lambda: snapshots.current, ordering, own.schedule_interval_s).run(stop),
            notifier.run(stop),
            publisher.run(stop),
            keep_gauges(reader, metrics, own.gauges_interval_s, stop),
            serve_http(app, http, stop),
        )


def main() -> int:
    """The process's exit status."""
    configure_logging("ledger", read_settings(LogSettings).level)
    return run(serve)


if __name__ == "__main__":
    sys.exit(main())
