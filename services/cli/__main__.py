"""The `huizhi` command: says where each command stands, and turns the errors meant for people into a message and a
status.
"""

import sys

from services.cli.errors import CommandError
from services.cli.lazy import lazy_app

# A command is added by one line here: its name, and the function or the application of further commands that it is.
app = lazy_app(
    {
        "up": "services.cli.stack.commands:up",
        "down": "services.cli.stack.commands:down",
        "demo": "services.cli.demo.command:demo",
        "send": "services.cli.send:send",
        "acknowledge": "services.cli.acknowledge:acknowledge",
        "extend": "services.cli.extend:extend",
        "forward": "services.cli.forward:forward",
        "answer": "services.cli.answer:answer",
        "assess": "services.cli.assess:assess",
        "withdraw": "services.cli.withdraw:withdraw",
        "remind": "services.cli.remind:remind",
        "inbox": "services.cli.inbox:inbox",
        "show": "services.cli.show:show",
        "rate": "services.cli.rate:rate",
        "unanswered": "services.cli.unanswered:unanswered",
        "custody": "services.cli.custody:custody",
        "refused": "services.cli.refused:refused",
        "parked": "services.cli.parked:parked",
        "conservation": "services.cli.conservation:conservation",
        "reconcile": "services.cli.reconcile.command:reconcile",
        "period": "services.cli.period:app",
        "directory": "services.cli.directory:app",
        "participant": "services.cli.participant:app",
        "kind": "services.cli.kind:app",
        "retention": "services.cli.retention:app",
        "log": "services.cli.log:app",
    },
    name="huizhi",
    help="Operate an exchange between jurisdictions and read its ledger.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # Local variables may hold passwords.
)


def main() -> None:
    """Run the command of this process's arguments."""
    try:
        app()
    except CommandError as error:
        sys.stderr.write(f"huizhi: {error}\n")
        sys.exit(error.status)


if __name__ == "__main__":
    main()
