"""`huizhi log`: the ledger as proof."""

from services.cli.lazy import lazy_app

app = lazy_app(
    {
        "verify": "services.cli.log.verify:verify",
        "check": "services.cli.log.check:check",
        "prove": "services.cli.log.prove:prove",
        "key": "services.cli.log.key:app",
        "witness": "services.cli.log.witness:witness",
    },
    help="Verify the ledger's log, and prove what it says.",
    no_args_is_help=True,
)
