"""`huizhi log`: the ledger as proof."""

import typer

from services.cli.log import key, witness

app = typer.Typer(help="Verify the ledger's log, and prove what it says.", no_args_is_help=True)
app.add_typer(key.app, name="key")
app.command()(witness.witness)
