"""The settings that are measured: those the exchange is shipped with, and what the environment puts in their place."""

import os
import re

from services.ledger.settings import LedgerSettings
from services.router.settings import RouterSettings
from services.runtime.settings import AMQPSettings, BatchSettings, DatabaseSettings

# Results are shown to people: no token, and no URL, which may have a password in it.
_NOT_TO_BE_SHOWN = re.compile(r"HUIZHI_(TEST_.*|DATA|.*(URLS?|TOKEN|KEYS))")


def shipped() -> dict[str, str]:
    """The settings as they are shipped, which the harness of the fault tests makes smaller, with those over them that
    the environment has: ``HUIZHI_BATCH_SIZE=250 make bench``, or ``make bench SETTINGS="HUIZHI_BATCH_SIZE=250"``.
    """
    batch, ledger, router = BatchSettings(), LedgerSettings(), RouterSettings()
    return {
        "HUIZHI_BATCH_SIZE": str(batch.size),
        "HUIZHI_BATCH_LINGER_MS": str(batch.linger_ms),
        "HUIZHI_PREFETCH": str(batch.prefetch),
        "HUIZHI_LEDGER_BATCHES_AT_ONCE": str(ledger.batches_at_once),
        "HUIZHI_LEDGER_PREFETCH": str(ledger.prefetch),
        "HUIZHI_ROUTER_BATCHES_AT_ONCE": str(router.batches_at_once),
        "HUIZHI_ROUTER_PREFETCH": str(router.prefetch),
        "HUIZHI_ROUTER_SWEEP_INTERVAL_S": str(router.sweep_interval_s),
        "HUIZHI_AMQP_CLIENT": str(AMQPSettings.model_fields["client"].default),
        "HUIZHI_AMQP_CONFIRM_TIMEOUT_S": str(AMQPSettings.model_fields["confirm_timeout_s"].default),
        "HUIZHI_DATABASE_POOL_SIZE": str(DatabaseSettings.model_fields["pool_size"].default),
        **_of_the_environment(),
    }


def _of_the_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("HUIZHI_") and not _NOT_TO_BE_SHOWN.fullmatch(name)
    }
