"""Whatever goes wrong on a line, as the one error that the ports have for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.runtime.lane.frames import ProtocolViolationError
from services.runtime.lane.line import LineLostError
from services.runtime.ports import PortError


@contextmanager
def surprises_as(lost: type[PortError], doing: str) -> Iterator[None]:
    """What is raised inside by a line, or by opening one, is raised as ``lost``."""
    try:
        yield
    except (LineLostError, ProtocolViolationError, OSError) as error:
        raise lost(f"{doing}: {describe(error)}") from error


def describe(error: BaseException) -> str:
    """An error in one line; with its type where it is none of ours, since many of those have no text."""
    if isinstance(error, LineLostError | ProtocolViolationError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
