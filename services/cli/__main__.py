"""The `huizhi` command: registers each command and turns the errors meant for people into a message and status 1."""

import sys

import typer

from services.cli import (
    acknowledge,
    answer,
    assess,
    conservation,
    custody,
    directory,
    extend,
    forward,
    inbox,
    kind,
    parked,
    participant,
    period,
    rate,
    refused,
    remind,
    retention,
    send,
    show,
    unanswered,
    withdraw,
)
from services.cli.demo import command as demonstration
from services.cli.errors import CommandError
from services.cli.log import app as log
from services.cli.stack import commands as stack

app = typer.Typer(
    name="huizhi",
    help="Operate an exchange between jurisdictions and read its ledger.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # Local variables may hold passwords.
)

# A command is added by one line here: app.command()(module.function), or app.add_typer(module.app, name="noun").
app.command()(stack.up)
app.command()(stack.down)
app.command()(demonstration.demo)
app.command()(send.send)
app.command()(acknowledge.acknowledge)
app.command()(extend.extend)
app.command()(forward.forward)
app.command()(answer.answer)
app.command()(assess.assess)
app.command()(withdraw.withdraw)
app.command()(remind.remind)
app.command()(inbox.inbox)
app.command()(show.show)
app.command()(rate.rate)
app.command()(unanswered.unanswered)
app.command()(custody.custody)
app.command()(refused.refused)
app.command()(parked.parked)
app.command()(conservation.conservation)
app.add_typer(period.app, name="period")
app.add_typer(directory.app, name="directory")
app.add_typer(participant.app, name="participant")
app.add_typer(kind.app, name="kind")
app.add_typer(retention.app, name="retention")
app.add_typer(log, name="log")


def main() -> None:
    """Run the command of this process's arguments."""
    try:
        app()
    except CommandError as error:
        sys.stderr.write(f"huizhi: {error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
