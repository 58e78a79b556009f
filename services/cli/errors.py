"""What ends a command.

CommandError            said on standard error in one piece; the command ends with its status, 1 as a rule
└── StackError          the local stack cannot be started, found or stopped
"""


class CommandError(Exception):
    """The command cannot do what was asked; the message says why and what to do."""

    status = 1


class StackError(CommandError):
    """The local stack cannot be started, found or stopped."""
