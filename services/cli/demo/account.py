"""A participant's way to the broker, with plain aio-pika, as an integrator would write it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import aio_pika
from aio_pika.abc import AbstractChannel

HEARTBEAT_S = 10
CONNECT_WITHIN_S = 10.0
ANSWER_WITHIN_S = 30.0
AGAIN_AFTER_S = 0.5


class WayLostError(Exception):
    """Connection or channel ended, or never came: what was under way has an unknown outcome and is done again."""


@dataclass(frozen=True, slots=True)
class Account:
    """A participant's account: its name, which is its address, and what opens the exchange to it."""

    address: str
    amqp_url: str = field(repr=False)
    token: str = field(repr=False)


class Troubles:
    """What goes wrong for whom at the moment, to be told if it does not pass."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}

    def note(self, who: str, what: str) -> None:
        """Something went wrong."""
        self._now[who] = what

    def forget(self, who: str) -> None:
        """It works again."""
        self._now.pop(who, None)

    def summary(self) -> str | None:
        """All of them in one line, since a broker that goes away is everybody's trouble; None while there are none."""
        if not self._now:
            return None
        who, what = next(iter(self._now.items()))
        others = f", and {len(self._now) - 1} more" if len(self._now) > 1 else ""
        return f"trying again: {who} ({what}){others}"


@asynccontextmanager
async def open_channel(account: Account, purpose: str) -> AsyncIterator[AbstractChannel]:
    """A channel in confirm mode on a connection of its own. Raises WayLostError.

    Publishing and consuming have a connection each, since a broker that is short of memory blocks those that publish.
    """
    with _surprises_as_lost():
        connection = await aio_pika.connect(
            account.amqp_url,
            timeout=CONNECT_WITHIN_S,
            heartbeat=HEARTBEAT_S,
            client_properties={"connection_name": f"huizhi demo {account.address} {purpose}"},
        )
        async with connection:
            # Without on_return_raises a message that could not be routed would pass for a confirmed one.
            yield await connection.channel(publisher_confirms=True, on_return_raises=True)


async def persistently(who: str, troubles: Troubles, work: Callable[[], Awaitable[None]]) -> None:
    """Do `work` until it comes to its end, over a new connection each time the old one is lost."""
    while True:
        troubles.forget(who)
        try:
            await work()
        except WayLostError as lost:
            troubles.note(who, str(lost))
        else:
            return
        await asyncio.sleep(AGAIN_AFTER_S)


@contextmanager
def _surprises_as_lost() -> Iterator[None]:
    """Whatever a dying connection does is raised as WayLostError, but for the caller's own cancellation.

    aiormq ends what waits on a dying channel with its own errors, with a bare Exception, and even with CancelledError
    though nobody cancelled; and it may make an error of its own out of a cancellation.
    """
    try:
        yield
    except (asyncio.CancelledError, Exception) as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        if isinstance(error, WayLostError):
            raise
        what = "the channel closed" if isinstance(error, asyncio.CancelledError) else _described(error)
        raise WayLostError(what) from error


def _described(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, WayLostError):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
