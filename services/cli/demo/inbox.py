"""Reading an inbox: each message is handled, and acknowledged once that is done."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from services.cli.demo.account import Account, WayLostError, open_channel

PREFETCH = 500

Handle = Callable[[AbstractIncomingMessage], Awaitable[bool]]
"""Whether the message is done with. What is not stays in the inbox, for whoever it is meant for."""


async def read_inbox(account: Account, handle: Handle, *, workers: int) -> None:
    """Read until cancelled, so many messages at once. Raises WayLostError."""
    async with open_channel(account, "reads") as channel:
        messages: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        closed = _closed(channel)
        await channel.set_qos(prefetch_count=PREFETCH)
        # A participant has the right to read its inbox and not to declare it, so nothing is asked of it first.
        queue = await channel.get_queue(f"inbox.{account.address}", ensure=False)
        # The callback only enqueues: it runs in a task of the channel's, which dies with the channel.
        await queue.consume(messages.put)
        async with asyncio.TaskGroup() as group:
            group.create_task(_until(closed))
            for _ in range(workers):
                group.create_task(_work(messages, handle))


def payload_of(message: AbstractIncomingMessage) -> Any:
    """A payload in JSON; None for one that is not."""
    try:
        return json.loads(message.body)
    except ValueError:
        return None


async def _work(messages: "asyncio.Queue[AbstractIncomingMessage]", handle: Handle) -> None:
    while True:
        message = await messages.get()
        if await _whole(handle(message)):
            await _whole(message.ack())


async def _whole(step: Awaitable[Any]) -> Any:
    """A step, whose cancellation by a dying channel must not end its worker in silence."""
    try:
        return await step
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise WayLostError("the channel closed") from error


def _closed(channel: AbstractChannel) -> asyncio.Event:
    closed = asyncio.Event()
    channel.close_callbacks.add(lambda *_: closed.set())
    return closed


async def _until(closed: asyncio.Event) -> None:
    await closed.wait()
    raise WayLostError("the channel closed")
