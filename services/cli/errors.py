"""What ends a command.

CommandError            said on standard error in one piece; the command ends with status 1
└── StackError          the local stack cannot be started, found or stopped
"""


class CommandError(Exception):
    """The command cannot do what was asked; the message says why and what to do."""


class StackError(CommandError):
    """The local stack cannot be started, found or stopped."""
