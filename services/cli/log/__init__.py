"""`huizhi log`: the ledger as proof."""

import typer

from services.cli.log import check, key, prove, verify, witness

app = typer.Typer(help="Verify the ledger's log, and prove what it says.", no_args_is_help=True)
app.command()(verify.verify)
app.command()(check.check)
app.command()(prove.prove)
app.add_typer(key.app, name="key")
app.command()(witness.witness)
