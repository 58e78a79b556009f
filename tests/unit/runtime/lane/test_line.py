"""What a line does that a well-behaved broker gives no occasion for."""

import asyncio
import random
import time

import pytest
from pamqp import commands
from pamqp.body import ContentBody

from services.runtime.lane import handshake, sink
from services.runtime.lane.line import CLOSE_SECONDS, Line
from services.runtime.lane.sink import UNSETTLED_BYTES, UNSETTLED_MESSAGES
from services.runtime.ports import Broker, Failure, Publication, SinkLost, SourceLost
from tests.unit.runtime.lane import stream
from tests.unit.runtime.lane.scripted import HEARTBEAT, ScriptedBroker, scripted

PUBLISH = "Basic.Publish"


def messages(count: int, body: bytes = b"") -> list[Publication]:
    return [Publication("here", body, message_id="one") for _ in range(count)]


async def lost_source(broker: ScriptedBroker, *said: bytes, prefetch: int = 9) -> str:
    """Why a source is lost to which these bytes are said."""
    async with broker.lane().open_source("queue", size=9, linger=3600, prefetch=prefetch) as source:
        broker.say(*said)
        with pytest.raises(SourceLost) as loss:
            await asyncio.wait_for(anext(source), 10)
        assert not source.alive
    return str(loss.value)


async def test_heartbeats_keep_an_idle_line_alive() -> None:
    async with (
        scripted(heartbeat=1) as broker,
        broker.lane().open_source("queue", size=1, linger=0, prefetch=1) as source,
    ):
        # Three intervals long: a silent broker would be lost after two.
        for beats in range(1, 7):
            await broker.until_heard("Heartbeat", beats)
            broker.say(HEARTBEAT)
        assert source.alive


async def test_a_broker_that_is_silent_for_two_heartbeats_is_lost() -> None:
    async with scripted(heartbeat=1) as broker:
        started = time.perf_counter()

        assert "silent for two heartbeats" in await lost_source(broker)

        assert 1.5 < time.perf_counter() - started < 6
        await broker.until_hung_up()


async def test_a_broker_without_a_heartbeat_of_its_own_is_given_one() -> None:
    async with scripted(heartbeat=0) as broker, broker.lane().open_sink("out"):
        pass

    (tuned,) = (said for said in broker.frames if isinstance(said, commands.Connection.TuneOk))
    assert (tuned.heartbeat, tuned.channel_max, tuned.frame_max) == (10, 1, 131_072)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (stream.method(commands.Connection.Close(320, "FORCED", 0, 0), 0), "closed the connection: 320 FORCED"),
        (stream.method(commands.Channel.Close(404, "NOT_FOUND", 60, 20)), "closed the channel: 404 NOT_FOUND"),
        (stream.method(commands.Basic.Cancel("consumer")), "cancelled the consumer"),
        (stream.method(commands.Channel.Flow(False)), "sent Channel.Flow where nothing was due"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "sent a frame of"),
        (stream.raw_frame(1, b"\0\x0a\0\xff", channel=0), "a method that cannot be read"),
        (stream.raw_frame(4, b"x"), "unknown type 4"),
        (stream.delivery(2), "not numbered in turn"),
        (stream.delivery(1) + stream.delivery(1), "not numbered in turn"),
        (b"".join(stream.delivery(tag) for tag in range(1, 11)), "more deliveries than it was asked for"),
    ],
)
async def test_every_surprise_loses_the_source_with_its_reason(said: bytes, reason: str) -> None:
    async with scripted() as broker:
        assert reason in await lost_source(broker, said)
        await broker.until_hung_up()


async def test_a_line_that_is_reset_is_lost() -> None:
    async with (
        scripted() as broker,
        broker.lane().open_source("queue", size=1, linger=0, prefetch=1) as source,
    ):
        taking = asyncio.create_task(anext(source))
        broker.hang_up()
        with pytest.raises(SourceLost):
            await asyncio.wait_for(taking, 10)


@pytest.mark.parametrize(
    ("closing", "answer", "farewell"),
    [
        (commands.Connection.Close(320, "FORCED", 0, 0), "Connection.CloseOk", 0),
        (commands.Channel.Close(404, "NOT_FOUND", 60, 20), "Channel.CloseOk", 1),
    ],
)
async def test_what_the_broker_closes_is_agreed_to(
    closing: commands.Connection.Close | commands.Channel.Close, answer: str, farewell: int
) -> None:
    async with scripted() as broker:
        await lost_source(broker, stream.method(closing, 0 if farewell == 0 else 1))
        await broker.until_hung_up()

    assert broker.heard.count(answer) == 1
    # What is left open is closed in order.
    assert broker.heard.count("Connection.Close") == farewell


async def test_an_ack_that_was_written_goes_out_before_the_line_is_closed() -> None:
    async with scripted() as broker:
        async with broker.lane().open_source("queue", size=9, linger=0, prefetch=9) as source:
            broker.say(stream.delivery(1), stream.delivery(2))
            batch = await anext(source)
            await source.ack(batch[-1])
        await broker.until_hung_up()

    assert broker.heard[-2:] == ["Basic.Ack", "Connection.Close"]


async def test_a_broker_that_does_not_answer_a_farewell_is_left_in_time() -> None:
    async with scripted(mute="Connection.Close") as broker:
        async with broker.lane().open_sink("out"):
            started = time.perf_counter()
        assert time.perf_counter() - started < CLOSE_SECONDS + 1
        await broker.until_hung_up()


@pytest.mark.parametrize(
    "step", ["greeting", "Connection.StartOk", "Connection.Open", "Channel.Open", "Confirm.Select"]
)
async def test_a_broker_that_falls_silent_in_the_handshake_is_given_up_in_time(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(sink, "CHANNEL_SECONDS", 0.5)
    async with scripted(mute=step) as broker:
        started = time.perf_counter()
        with pytest.raises(SinkLost, match="TimeoutError"):
            async with broker.lane().open_sink("out"):
                pass
        assert time.perf_counter() - started < 5
        await broker.until_hung_up()


async def test_a_mechanism_that_the_broker_does_not_take_is_named() -> None:
    async with scripted() as broker:
        with pytest.raises(SinkLost, match="does not take EXTERNAL"):
            async with broker.lane(parameters="?auth=EXTERNAL").open_sink("out"):
                pass


async def test_bodies_are_cut_into_frames_as_large_as_was_agreed_on() -> None:
    async with scripted(frame_max=4096) as broker, broker.lane().open_sink("out") as out:
        publishing = asyncio.create_task(out.publish(messages(1, bytes(10_000))))
        await broker.until_heard("ContentBody", 3)
        broker.say(stream.ack(1))
        assert await publishing == []

    assert max(broker.sizes) == 4096
    parts = [said.value for said in broker.frames if isinstance(said, ContentBody)]
    assert b"".join(parts) == bytes(10_000)


async def test_headers_that_do_not_fit_into_a_frame_are_a_fault_of_the_caller() -> None:
    async with scripted(frame_max=4096) as broker, broker.lane().open_sink("out") as out:
        with pytest.raises(ValueError, match="larger than a frame"):
            await out.publish([Publication("here", b"", headers={"note": "x" * 5000})])


@pytest.mark.parametrize(
    ("count", "body", "most"),
    [
        (UNSETTLED_MESSAGES + 500, b"", UNSETTLED_MESSAGES),
        (20, bytes(UNSETTLED_BYTES // 8), 8),
        # The bound is reached with some that the socket has not been given yet.
        (150, bytes(90_000), UNSETTLED_BYTES // 90_000 + 1),
    ],
    ids=["messages", "bytes", "bytes, in the middle of a write"],
)
async def test_no_more_than_so_much_is_on_its_way_unconfirmed(count: int, body: bytes, most: int) -> None:
    async with scripted() as broker, broker.lane().open_sink("out") as out:
        publishing = asyncio.create_task(out.publish(messages(count, body)))
        settled = 0
        while settled < count:
            await broker.until_heard(PUBLISH, min(settled + most, count))
            # More of them would come now.
            await asyncio.wait((publishing,), timeout=0.1)
            assert broker.heard.count(PUBLISH) <= settled + most
            settled = broker.heard.count(PUBLISH)
            broker.say(stream.ack(settled, multiple=True))
        assert await publishing == []


async def test_a_broker_that_takes_nothing_more_and_does_not_say_so_is_lost_after_the_confirm_timeout() -> None:
    async with scripted() as broker, broker.lane(0.3).open_sink("out") as out:
        broker.listening = False
        with pytest.raises(SinkLost, match="confirmation"):
            await asyncio.wait_for(out.publish(messages(200, bytes(1024**2))), 10)


async def test_what_a_broker_does_not_take_is_not_piled_up_before_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    piled_up: list[int] = []
    write = Line.write

    def noting(self: Line, data: bytes) -> None:
        write(self, data)
        assert self._transport is not None
        piled_up.append(self._transport.get_write_buffer_size())

    monkeypatch.setattr(Line, "write", noting)
    async with scripted() as broker, broker.lane(0.3).open_sink("out") as out:
        broker.listening = False
        with pytest.raises(SinkLost, match="confirmation"):
            await out.publish(messages(200, bytes(512 * 1024)))

    # One write, and what the transport takes for little.
    assert 0 < max(piled_up) < 1024**2


async def test_the_confirm_timeout_begins_anew_with_every_confirm() -> None:
    async with scripted() as broker, broker.lane(0.5).open_sink("out") as out:
        publishing = asyncio.create_task(out.publish(messages(4)))
        await broker.until_heard(PUBLISH, 4)
        for tag in range(1, 5):
            await asyncio.wait((publishing,), timeout=0.3)
            broker.say(stream.ack(tag))
        assert await publishing == []


async def test_a_broker_that_stops_confirming_is_lost_after_the_confirm_timeout() -> None:
    async with scripted() as broker, broker.lane(0.5).open_sink("out") as out:
        publishing = asyncio.create_task(out.publish(messages(2)))
        await broker.until_heard(PUBLISH, 2)
        broker.say(stream.ack(1))
        with pytest.raises(SinkLost, match=r"no confirmation within 0\.5 s"):
            await publishing


async def test_a_broker_that_was_blocked_has_the_whole_time_from_when_it_is_not() -> None:
    async with scripted() as broker, broker.lane(0.4).open_sink("out") as out:
        broker.say(stream.method(commands.Connection.Blocked("low on memory"), 0))
        publishing = asyncio.create_task(out.publish(messages(1)))
        await asyncio.wait((publishing,), timeout=1)
        broker.say(stream.method(commands.Connection.Unblocked(), 0))
        await asyncio.wait((publishing,), timeout=0.2)
        assert not publishing.done()
        broker.say(stream.ack(1))
        assert await publishing == []


async def test_a_mixture_of_outcomes_is_charged_to_its_places() -> None:
    async with scripted() as broker, broker.lane().open_sink("out") as out:
        keys = ["here", "nowhere", "full", "here", "nowhere", "here"]
        publishing = asyncio.create_task(out.publish([Publication(key, b"", message_id="one") for key in keys]))
        await broker.until_heard(PUBLISH, 6)
        one = commands.Basic.Properties(message_id="one", delivery_mode=2)
        came_back = stream.returned(b"", one, "nowhere")
        broker.say(came_back, stream.ack(2), came_back, stream.ack(6), stream.nack(3), stream.ack(5, multiple=True))

        assert await publishing == [Failure(1, "returned"), Failure(2, "nacked"), Failure(4, "returned")]
        # A nack is followed by another channel, on which publishes are numbered anew.
        following = asyncio.create_task(out.publish(messages(1)))
        await broker.until_heard(PUBLISH, 7)
        broker.say(stream.ack(1))
        assert await following == []
    assert broker.heard.count("Channel.Open") == 2


@pytest.mark.parametrize(
    "said",
    [stream.ack(3), stream.ack(1) + stream.ack(1), stream.returned(b"other"), stream.delivery(1)[:-1] + b"\0"],
)
async def test_outcomes_that_cannot_be_leave_the_sink_lost(said: bytes) -> None:
    async with scripted() as broker, broker.lane().open_sink("out") as out:
        publishing = asyncio.create_task(out.publish(messages(2)))
        await broker.until_heard(PUBLISH, 2)
        broker.say(said)
        with pytest.raises(SinkLost, match="the broker sent"):
            await publishing


async def test_of_several_hosts_one_that_answers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    # The last one is tried first.
    monkeypatch.setattr(random, "sample", lambda hosts, _: list(reversed(hosts)))
    async with scripted(mute="greeting") as silent, scripted() as broker:
        hosts = f"127.0.0.1:1,127.0.0.1:{silent.port},127.0.0.1:{broker.port}"
        lanes: Broker = type(broker.lane())(f"amqp://a:b@{hosts}/", name="test")
        async with lanes.open_sink("out") as out:
            assert out.alive
