"""`huizhi log`: the ledger as proof."""

import typer

from services.cli.log import witness

app = typer.Typer(help="Verify the ledger's log, and prove what it says.", no_args_is_help=True)
app.command()(witness.witness)


@app.callback()
def log() -> None:
    """Verify the ledger's log, and prove what it says."""
