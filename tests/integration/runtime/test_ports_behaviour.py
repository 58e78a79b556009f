"""The contract of the ports, once for every implementation, against a real broker."""

import asyncio
import contextlib
import time

import pytest

from services.runtime.ports import Broker, Failure, Publication, SinkLost, SourceLost
from tests.integration.runtime.behaviour import BrokerControl, Hop, OpenBroker, take
from tests.integration.runtime.proxy import proxied

CHANNELS_AT_MOST = 128
"""How many a connection may have at a time (``channel_max``)."""


def message(number: int, key: str = "here", message_id: str | None = None) -> Publication:
    return Publication(key, str(number).encode(), message_id=message_id or f"id-{number}")


def messages(count: int) -> list[Publication]:
    return [message(number) for number in range(count)]


async def publish(ports: Broker, count: int) -> None:
    async with ports.open_sink("out") as sink:
        assert await sink.publish(messages(count)) == []


async def test_what_is_published_without_a_failure_is_delivered_with_all_it_had(ports: Broker, hop: Hop) -> None:
    sent = Publication(
        "here",
        "正文".encode(),
        message_id="an id",
        type="query",
        correlation_id="another",
        content_type="application/json",
        headers={"to": "410102", "n": 7, "large": 2**40, "note": "县"},
    )
    async with ports.open_sink("out") as sink:
        assert await sink.publish([sent]) == []

    async with ports.open_source("queue", size=10, linger=0.01, prefetch=10) as source:
        (delivery,) = await take(source, 1)

    properties = delivery.properties
    assert (delivery.body, delivery.routing_key, delivery.redelivered) == (sent.body, "here", False)
    assert (properties.message_id, properties.type, properties.correlation_id, properties.content_type) == (
        "an id",
        "query",
        "another",
        "application/json",
    )
    assert properties.headers == sent.headers
    assert properties.delivery_mode == 2
    assert list(properties.malformed()) == []


async def test_an_empty_list_is_published_at_once(ports: Broker, hop: Hop) -> None:
    async with ports.open_sink("out") as sink:
        assert await sink.publish([]) == []


async def test_an_empty_body_arrives_empty(ports: Broker, hop: Hop) -> None:
    async with ports.open_sink("out") as sink, ports.open_source("queue", size=2, linger=0, prefetch=2) as source:
        await sink.publish([Publication("here", b"")])

        assert (await take(source, 1))[0].body == b""


async def test_bodies_larger_than_a_frame_arrive_whole(ports: Broker, hop: Hop) -> None:
    bodies = [bytes([number]) * size for number, size in enumerate((131_064, 131_072, 131_073, 1_000_000))]
    async with ports.open_sink("out") as sink, ports.open_source("queue", size=9, linger=0, prefetch=9) as source:
        assert await sink.publish([Publication("here", body) for body in bodies]) == []

        assert [delivery.body for delivery in await take(source, len(bodies))] == bodies


async def test_what_no_queue_is_bound_for_is_returned_by_its_position(ports: Broker, hop: Hop) -> None:
    async with ports.open_sink("out") as sink:
        failures = await sink.publish([message(0), message(1, "nowhere"), message(2), message(3, "nowhere")])

    assert failures == [Failure(1, "returned"), Failure(3, "returned")]
    await hop.until_waiting(2)


async def test_failures_are_charged_to_positions_when_all_ids_are_the_same(ports: Broker, hop: Hop) -> None:
    keys = ["here", "nowhere", "here", "nowhere", "nowhere", "here"]
    async with ports.open_sink("out") as sink:
        failures = await sink.publish([message(n, key, message_id="one") for n, key in enumerate(keys)])

    assert failures == [Failure(1, "returned"), Failure(3, "returned"), Failure(4, "returned")]
    await hop.until_waiting(3)


async def test_two_callers_with_the_same_id_each_get_their_own_failures(ports: Broker, hop: Hop) -> None:
    async with ports.open_sink("out") as sink:
        for number in range(20):
            # The bad one first: charged by its id, its return would fall on the good one, which comes right after it.
            bad, good = await asyncio.gather(
                sink.publish([message(number, "nowhere", message_id="one")]),
                sink.publish([message(number, "here", message_id="one")]),
            )

            assert bad == [Failure(0, "returned")]
            assert good == []
    await hop.until_waiting(20)


async def test_what_a_full_queue_refuses_is_nacked_by_its_position(ports: Broker, hop: Hop) -> None:
    full_at_one: dict[str, str | int] = {"x-max-length": 1, "x-overflow": "reject-publish"}
    await hop.add_queue("small", "small", **full_at_one)
    async with ports.open_sink("out") as sink:
        async with asyncio.timeout(20):
            # The limit is soft: the queue tells the channel that it is full only after it has taken the first ones.
            while not await sink.publish([message(0, "small")]):
                pass

        failures = await sink.publish([message(0, "small"), message(1), message(2, "small"), message(3, "nowhere")])

        assert failures == [Failure(0, "nacked"), Failure(2, "nacked"), Failure(3, "returned")]
        assert sink.alive


async def test_after_a_nack_it_goes_on_over_another_channel(
    ports: Broker, hop: Hop, vhost: str, control: BrokerControl
) -> None:
    full_at_one: dict[str, str | int] = {"x-max-length": 1, "x-overflow": "reject-publish"}
    await hop.add_queue("small", "small", **full_at_one)
    async with ports.open_sink("out") as sink:
        refusals = 0
        async with asyncio.timeout(60):
            # More often than a connection may have channels.
            while refusals < 2 * CHANNELS_AT_MOST:
                refusals += len(await sink.publish([message(0, "small")]))
        refusing = await control.channels(vhost)

        assert await sink.publish([message(1)]) == []

        assert len(await control.channels(vhost) - refusing) == 1
        assert sink.alive
        following = await control.channels(vhost)
        assert await sink.publish([message(2)]) == []
        assert await control.channels(vhost) == following


async def test_messages_keep_their_order_over_a_round_trip_of_5000(ports: Broker, hop: Hop) -> None:
    started = time.perf_counter()
    async with ports.open_sink("out") as sink:
        for first in range(0, 5000, 500):
            assert await sink.publish([message(n) for n in range(first, first + 500)]) == []
    published = time.perf_counter()
    numbers: list[int] = []
    async with ports.open_source("queue", size=500, linger=0.005, prefetch=2000) as source:
        while len(numbers) < 5000:
            batch = await anext(source)
            assert 1 <= len(batch) <= 500
            numbers += [int(delivery.body) for delivery in batch]
            await source.ack(batch[-1])

    assert numbers == list(range(5000))
    print(f"5,000 published in {published - started:.2f} s, taken in {time.perf_counter() - published:.2f} s")


async def test_acking_a_prefix_leaves_the_rest_to_be_delivered_again(ports: Broker, hop: Hop) -> None:
    await publish(ports, 10)
    async with ports.open_source("queue", size=10, linger=0.01, prefetch=10) as source:
        await source.ack((await take(source, 10))[3])

    await hop.until_waiting(6)
    async with ports.open_source("queue", size=10, linger=0.01, prefetch=10) as source:
        again = await take(source, 6)

    assert [delivery.body for delivery in again] == [b"4", b"5", b"6", b"7", b"8", b"9"]
    assert all(delivery.redelivered for delivery in again)


async def test_a_delivery_is_acked_once_and_by_its_own_source(ports: Broker, hop: Hop) -> None:
    await publish(ports, 2)
    async with ports.open_source("queue", size=1, linger=0, prefetch=1) as source:
        (old,) = await take(source, 1)
    async with ports.open_source("queue", size=2, linger=0.01, prefetch=2) as source:
        first, second = await take(source, 2)

        # The tag of the old delivery is that of the first one here: acking by it would lose a message.
        with pytest.raises(ValueError, match="another source"):
            await source.ack(old)
        await source.ack(second)
        with pytest.raises(ValueError, match="acked already"):
            await source.ack(first)


async def test_a_lone_message_waits_no_longer_than_the_linger(ports: Broker, hop: Hop) -> None:
    async with ports.open_sink("out") as sink, ports.open_source("queue", size=500, linger=0.2, prefetch=9) as source:
        taking = asyncio.create_task(anext(source))
        await sink.publish([message(0)])
        confirmed = time.perf_counter()
        batch = await taking

    assert len(batch) == 1
    assert time.perf_counter() - confirmed < 1.5


async def test_a_full_batch_does_not_linger(ports: Broker, hop: Hop) -> None:
    async with ports.open_source("queue", size=3, linger=3600, prefetch=9) as source, asyncio.timeout(20):
        for _ in range(3):
            # Asked for before any is there: what waits already is handed out at once, be it less than a full batch.
            taking = asyncio.create_task(anext(source))
            await publish(ports, 3)
            assert [delivery.body for delivery in await taking] == [b"0", b"1", b"2"]


async def test_what_waits_already_is_handed_out_without_lingering(ports: Broker, hop: Hop) -> None:
    await publish(ports, 2)
    taken: list[bytes] = []
    async with ports.open_source("queue", size=3, linger=3600, prefetch=9) as source, asyncio.timeout(20):
        while len(taken) < 2:
            # The first attempt lingers over what comes and is broken off; after that the messages are waiting.
            with contextlib.suppress(TimeoutError):
                taken += [delivery.body for delivery in await asyncio.wait_for(anext(source), 0.2)]

    assert taken == [b"0", b"1"]


async def test_taking_may_be_cancelled_and_loses_nothing(ports: Broker, hop: Hop) -> None:
    async with ports.open_sink("out") as sink, ports.open_source("queue", size=99, linger=3600, prefetch=9) as source:
        taking = asyncio.create_task(anext(source))
        await sink.publish(messages(2))
        await hop.until_waiting(0)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking

        assert [delivery.body for delivery in await take(source, 2)] == [b"0", b"1"]


async def test_no_more_than_the_prefetch_is_on_its_way(ports: Broker, hop: Hop) -> None:
    await publish(ports, 10)
    async with ports.open_source("queue", size=100, linger=0.05, prefetch=4) as source:
        assert len(await take(source, 4)) == 4
        assert await hop.waiting() == 6


async def test_a_source_is_lost_when_its_queue_is_deleted(ports: Broker, hop: Hop) -> None:
    await publish(ports, 3)
    async with ports.open_source("queue", size=1, linger=0, prefetch=3) as source:
        (delivery,) = await anext(source)
        await hop.channel.queue_delete("queue")

        with pytest.raises(SourceLost, match="queue"):
            await take(source, 4)
        assert not source.alive
        with pytest.raises(SourceLost):
            await source.ack(delivery)
        with pytest.raises(SourceLost):
            await anext(source)


async def test_a_source_and_a_sink_are_lost_when_the_broker_closes_them(
    ports: Broker, hop: Hop, vhost: str, control: BrokerControl
) -> None:
    async with ports.open_sink("out") as sink, ports.open_source("queue", size=1, linger=0, prefetch=3) as source:
        taking = asyncio.create_task(anext(source))
        await control.close_all_connections(vhost)

        with pytest.raises(SourceLost):
            await taking
        with pytest.raises(SinkLost):
            await sink.publish([message(0)])
        assert not source.alive
        assert not sink.alive


async def test_each_has_a_connection_of_its_own_and_closes_it_when_it_is_left(
    ports: Broker, hop: Hop, vhost: str, control: BrokerControl
) -> None:
    async with ports.open_sink("out") as sink, ports.open_source("queue", size=1, linger=0, prefetch=1):
        assert {"test sink out", "test source queue"} <= await control.connection_names(vhost)

    assert not {"test sink out", "test source queue"} & await control.connection_names(vhost)
    with pytest.raises(SinkLost, match="closed by its user"):
        await sink.publish([message(0)])


async def test_a_blocked_broker_is_waited_for_beyond_the_confirm_timeout(
    implementation: OpenBroker, url: str, hop: Hop, control: BrokerControl
) -> None:
    async with implementation(url, 0.5).open_sink("out") as sink:
        await sink.publish([message(0)])
        await control.run("set_vm_memory_high_watermark", "0.0001")
        try:
            publishing = asyncio.create_task(sink.publish(messages(3)))
            # Several confirm timeouts long: the command itself takes about a second.
            assert "blocked" in await control.run("list_connections", "state")
            assert not publishing.done()
        finally:
            await control.run("set_vm_memory_high_watermark", "0.4")

        async with asyncio.timeout(20):
            assert await publishing == []
    await hop.until_waiting(4)


async def test_a_cut_line_loses_the_source_at_once_and_its_messages_come_again(
    implementation: OpenBroker, url: str, ports: Broker, hop: Hop
) -> None:
    await publish(ports, 5)
    async with (
        proxied(url) as proxy,
        implementation(proxy.url, 5.0).open_source("queue", size=2, linger=0, prefetch=5) as source,
    ):
        await anext(source)
        proxy.cut()
        with pytest.raises(SourceLost):
            await take(source, 6)

    async with ports.open_source("queue", size=5, linger=0.05, prefetch=5) as source:
        assert {delivery.body for delivery in await take(source, 5)} == {b"0", b"1", b"2", b"3", b"4"}


async def test_a_publish_whose_confirmations_stay_away_loses_the_sink_though_the_broker_has_the_message(
    implementation: OpenBroker, url: str, hop: Hop
) -> None:
    async with proxied(url) as proxy, implementation(proxy.url, 0.5).open_sink("out") as sink:
        await sink.publish([message(0)])
        proxy.deaf = True

        with pytest.raises(SinkLost, match="confirmation"):
            await sink.publish([message(1)])

        await hop.until_waiting(2)
        with pytest.raises(SinkLost):
            await sink.publish([message(2)])


async def test_a_line_cut_in_the_middle_of_a_publish_loses_the_sink(
    implementation: OpenBroker, url: str, hop: Hop
) -> None:
    async with proxied(url) as proxy, implementation(proxy.url, 30.0).open_sink("out") as sink:
        proxy.deaf = True
        publishing = asyncio.create_task(sink.publish(messages(100)))
        await hop.until_waiting(100)
        proxy.cut()

        with pytest.raises(SinkLost):
            async with asyncio.timeout(5):
                await publishing


async def test_a_cancelled_publish_leaves_the_sink_lost(implementation: OpenBroker, url: str, hop: Hop) -> None:
    async with proxied(url) as proxy, implementation(proxy.url, 30.0).open_sink("out") as sink:
        proxy.deaf = True
        publishing = asyncio.create_task(sink.publish([message(0)]))
        await hop.until_waiting(1)
        publishing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await publishing

        assert not sink.alive
        with pytest.raises(SinkLost, match="broken off"):
            await sink.publish([message(1)])


async def test_an_exchange_that_is_not_there_loses_the_sink_with_the_reason(ports: Broker, hop: Hop) -> None:
    async with ports.open_sink("missing") as sink:
        with pytest.raises(SinkLost, match="missing"):
            await sink.publish([message(0)])


async def test_what_cannot_be_opened_says_why(implementation: OpenBroker, url: str, hop: Hop) -> None:
    address = url.partition("@")[2]
    stranger = implementation(f"amqp://nobody:wrong@{address}", 5.0)
    with pytest.raises(SourceLost, match="missing"):
        async with implementation(url, 5.0).open_source("missing", size=1, linger=0, prefetch=1):
            pass
    with pytest.raises(SinkLost, match="ACCESS_REFUSED"):
        async with stranger.open_sink("out"):
            pass
    with pytest.raises(SourceLost, match=r"Connect call failed|refused"):
        async with implementation("amqp://a:b@127.0.0.1:1/", 5.0).open_source("queue", size=1, linger=0, prefetch=1):
            pass


async def test_a_port_where_nobody_answers_is_given_up_in_time(implementation: OpenBroker) -> None:
    hung_up = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        hung_up.set()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        started = time.perf_counter()
        with pytest.raises(SinkLost):
            async with implementation(f"amqp://a:b@127.0.0.1:{port}/", 5.0).open_sink("out"):
                pass
        assert time.perf_counter() - started < 9
        await hung_up.wait()
