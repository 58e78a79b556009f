"""The loop between a queue and its sinks, through losses and stops, against a real broker."""

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from services.runtime.lifecycle import Stop
from services.runtime.metrics import PumpMetrics
from services.runtime.ports import Broker, Delivery, Publication
from services.runtime.pump import Handle, Pump, Sinks
from services.runtime.settings import BatchSettings
from tests.integration.runtime.behaviour import BrokerControl, Hop, OpenBroker, take
from tests.integration.runtime.proxy import proxied


async def pass_on(batch: Sequence[Delivery], sinks: Sinks) -> None:
    failures = await sinks["out"].publish([Publication("there", delivery.body) for delivery in batch])
    assert failures == []


def make_pump(ports: Broker, handle: Handle, registry: CollectorRegistry | None = None) -> Pump:
    metrics = PumpMetrics(registry or CollectorRegistry())
    settings = BatchSettings(size=50)
    return Pump(ports, queue="queue", exchanges=["out"], handle=handle, settings=settings, metrics=metrics)


async def publish(ports: Broker, count: int) -> None:
    async with ports.open_sink("out") as sink:
        assert await sink.publish([Publication("here", str(number).encode()) for number in range(count)]) == []


async def until(pump: Pump, trouble: str | None) -> None:
    """Return when the pump's check says so, or says nothing for None."""
    async with asyncio.timeout(20):
        while True:
            said = pump.check()
            if said is None if trouble is None else trouble in (said or ""):
                return
            await asyncio.sleep(0.01)


@pytest.fixture
def stop() -> Stop:
    return Stop()


async def test_everything_in_the_queue_is_passed_on_and_acknowledged(ports: Broker, hop: Hop, stop: Stop) -> None:
    await hop.add_queue("target", "there")
    await publish(ports, 500)
    registry = CollectorRegistry()
    pump = make_pump(ports, pass_on, registry)
    assert pump.check() == "not connected yet"

    running = asyncio.create_task(pump.run(stop))
    async with ports.open_source("target", size=500, linger=0.01, prefetch=500) as target:
        arrived = await take(target, 500)
    assert pump.check() is None
    stop.set()
    await running

    assert [int(delivery.body) for delivery in arrived] == list(range(500))
    await hop.until_waiting(0)
    assert registry.get_sample_value("huizhi_batch_messages_sum", {"queue": "queue"}) == 500
    assert registry.get_sample_value("huizhi_broker_connected", {"queue": "queue"}) == 0


async def test_nothing_is_lost_when_the_line_is_cut_again_and_again(
    implementation: OpenBroker, url: str, ports: Broker, hop: Hop, stop: Stop
) -> None:
    await hop.add_queue("target", "there")
    await publish(ports, 2000)
    registry = CollectorRegistry()
    async with proxied(url) as proxy, ports.open_source("target", size=500, linger=0.01, prefetch=3000) as target:
        pump = make_pump(implementation(proxy.url, 5.0), pass_on, registry)
        running = asyncio.create_task(pump.run(stop))
        seen: set[int] = set()
        for milestone in (400, 800, 1200, 1600):
            async with asyncio.timeout(30):
                while len(seen) < milestone:
                    seen |= {int(delivery.body) for delivery in await anext(target)}
            proxy.cut()
        async with asyncio.timeout(30):
            while len(seen) < 2000:
                seen |= {int(delivery.body) for delivery in await anext(target)}
        await until(pump, None)
        await hop.until_waiting(0)
        stop.set()
        await running

    assert seen == set(range(2000))
    assert (registry.get_sample_value("huizhi_broker_losses_total", {"queue": "queue"}) or 0) >= 2


async def test_a_lost_sink_brings_the_batch_again(ports: Broker, hop: Hop, stop: Stop) -> None:
    await publish(ports, 3)
    rounds: list[list[bytes]] = []

    async def handle(batch: Sequence[Delivery], sinks: Sinks) -> None:
        rounds.append([delivery.body for delivery in batch])
        if len(rounds) == 1:
            await hop.channel.exchange_delete("out")
            await sinks["out"].publish([Publication("here", b"")])
        stop.set()

    await make_pump(ports, handle).run(stop)

    assert rounds[1][: len(rounds[0])] == rounds[0]


async def test_the_batch_in_hand_is_finished_and_acknowledged_at_the_stop(ports: Broker, hop: Hop, stop: Stop) -> None:
    await publish(ports, 1)
    started, finish = asyncio.Event(), asyncio.Event()

    async def handle(_batch: Sequence[Delivery], _sinks: Sinks) -> None:
        started.set()
        await finish.wait()

    running = asyncio.create_task(make_pump(ports, handle).run(stop))
    await started.wait()
    stop.set()
    finish.set()
    await running

    await hop.until_waiting(0)


async def test_a_failing_handler_ends_the_pump_and_leaves_the_batch_in_the_queue(
    ports: Broker, hop: Hop, stop: Stop
) -> None:
    await publish(ports, 2)

    async def handle(_batch: Sequence[Delivery], _sinks: Sinks) -> None:
        raise LookupError("a fault of ours")

    pump = make_pump(ports, handle)
    with pytest.raises(LookupError):
        await pump.run(stop)

    assert pump.check() is not None
    await hop.until_waiting(2)


async def test_it_waits_for_a_queue_that_is_not_there_yet_and_says_so(ports: Broker, hop: Hop, stop: Stop) -> None:
    await hop.channel.queue_delete("queue")
    handled = asyncio.Event()

    async def handle(_batch: Sequence[Delivery], _sinks: Sinks) -> None:
        handled.set()

    pump = make_pump(ports, handle)
    running = asyncio.create_task(pump.run(stop))
    await until(pump, "NOT_FOUND")
    await hop.add_queue("queue", "here")
    await publish(ports, 1)
    async with asyncio.timeout(30):
        await handled.wait()
    stop.set()
    await running


async def test_a_stop_ends_the_waiting_for_a_broker_that_is_away(implementation: OpenBroker, stop: Stop) -> None:
    pump = make_pump(implementation("amqp://a:b@127.0.0.1:1/", 5.0), pass_on)
    running = asyncio.create_task(pump.run(stop))
    await until(pump, "opening a sink")
    stop.set()

    async with asyncio.timeout(5):
        await running


async def test_a_pump_survives_the_broker_closing_every_connection(
    ports: Broker, hop: Hop, vhost: str, control: BrokerControl, stop: Stop
) -> None:
    handled: list[bytes] = []

    async def handle(batch: Sequence[Delivery], _sinks: Sinks) -> None:
        handled.extend(delivery.body for delivery in batch)

    registry = CollectorRegistry()
    pump = make_pump(ports, handle, registry)
    running = asyncio.create_task(pump.run(stop))
    await until(pump, None)
    await control.close_all_connections(vhost)
    await until(pump, None)
    await publish(ports, 1)
    async with asyncio.timeout(20):
        while True:
            if handled:
                break
            await asyncio.sleep(0.01)
    stop.set()
    await running
    assert registry.get_sample_value("huizhi_broker_losses_total", {"queue": "queue"}) == 1
