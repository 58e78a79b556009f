"""The topology on a real broker: declared twice, refused when different, and dead letters arrive."""

import asyncio

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelPreconditionFailed

from services.runtime.ports import Broker, Failure, Publication
from services.runtime.topology import (
    DELIVERY_LIMIT,
    QueueLimits,
    core_topology,
    declare,
    inbox_topology,
    quarantine_queue,
)
from tests.integration.runtime.behaviour import take

LIMITS = QueueLimits(internal_bytes=64 * 1024**2, inbox_bytes=1024**2)


async def broker_version(channel: AbstractChannel) -> str:
    underlay = await channel.get_underlay_channel()
    properties = underlay.connection.server_properties
    assert isinstance(properties, dict)
    return str(properties["version"])


async def test_it_may_be_declared_again_and_carries_messages(admin: AbstractChannel, ports: Broker) -> None:
    topology = core_topology(await broker_version(admin), LIMITS)
    await declare(topology, admin)
    await declare(topology, admin)
    await declare(inbox_topology(["410102", "410102.health"], LIMITS), admin)

    async with ports.open_sink("inbox") as sink:
        failures = await sink.publish([Publication("410102", b"1"), Publication("41", b"2")])
    assert failures == [Failure(1, "returned")]
    async with ports.open_source("inbox.410102", size=1, linger=0, prefetch=1) as source:
        assert (await take(source, 1))[0].body == b"1"
    for exchange in ("ingress", "ledger", "dispatch", "parking", "dead-letters"):
        async with ports.open_sink(exchange) as sink:
            assert await sink.publish([Publication("query", b"")]) == []


async def test_a_queue_with_other_arguments_is_refused(admin: AbstractChannel) -> None:
    await declare(core_topology(await broker_version(admin), LIMITS), admin)
    await declare(inbox_topology(["41"], LIMITS), admin)

    with pytest.raises(ChannelPreconditionFailed, match="x-max-length-bytes"):
        await declare(inbox_topology(["41"], QueueLimits(inbox_bytes=2 * 1024**2)), admin)


async def bring_back(url: str, name: str, times: int) -> None:
    """Take the one message of a queue and put it back, so often."""
    async with await aio_pika.connect(url) as connection, connection.channel() as channel:
        await channel.set_qos(prefetch_count=1)
        queue = await channel.get_queue(name, ensure=False)
        async with queue.iterator() as messages, asyncio.timeout(20):
            for _ in range(times):
                await (await anext(messages)).reject(requeue=True)


async def test_what_comes_back_too_often_goes_to_quarantine_and_from_there_to_the_dead_letters(
    admin: AbstractChannel, ports: Broker, url: str
) -> None:
    await declare(core_topology(await broker_version(admin), LIMITS), admin)
    async with ports.open_sink("ingress") as sink:
        await sink.publish([Publication("query", b"poison")])

    await bring_back(url, "ingress", DELIVERY_LIMIT + 1)
    await bring_back(url, quarantine_queue("ingress"), DELIVERY_LIMIT + 1)
    async with ports.open_source("dead-letters", size=1, linger=0, prefetch=1) as dead:
        (letter,) = await take(dead, 1)

    assert letter.body == b"poison"
    deaths = letter.properties.headers["x-death"]
    assert isinstance(deaths, list)
    assert [(death["reason"], death["queue"]) for death in deaths] == [
        ("delivery_limit", quarantine_queue("ingress")),
        ("delivery_limit", "ingress"),
    ]
