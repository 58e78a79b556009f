"""A recorded exchange with RabbitMQ 3.10 is replayed byte by byte, and the lane says what it said then.

``tests.integration.runtime.record_lane`` records it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiormq import spec
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from services.runtime.amqp import source as other
from services.runtime.amqp.tolerance import legible, tolerate_malformed_properties
from services.runtime.lane import frames
from services.runtime.lane.broker import LaneBroker
from services.runtime.ports import Delivery
from tests.unit.runtime.lane.recorded import ACCOUNT, PREPARED, VHOST, Session, load, publish, small_and_quick, take
from tests.unit.runtime.lane.test_properties import shown

tolerate_malformed_properties()


class Replay:
    """Plays the broker's part of a session, and holds the lane's part against the recorded one."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._heard = bytearray()
        self.difference: tuple[bytes, bytes] | None = None
        self.done = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Of the server: the line."""
        self._heard += await reader.readexactly(8)
        for who, data in self._session:
            if who == "client":
                await self._hear(reader, len(data))
                heard, self._heard = bytes(self._heard[: len(data)]), self._heard[len(data) :]
                if heard != data:
                    self.difference = heard, data
                    break
            else:
                for place in range(len(data)):
                    writer.write(data[place : place + 1])
                    # Two turns of the loop: in the first one it is seen to be there, in the second it is read.
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
        writer.close()
        self.done.set()

    async def _hear(self, reader: asyncio.StreamReader, size: int) -> None:
        while len(self._heard) < size:
            start = await reader.readexactly(7)
            rest = await reader.readexactly(int.from_bytes(start[3:]) + 1)
            # When heartbeats go out is a matter of time; they are not recorded.
            if start[0] != frames.HEARTBEAT:
                self._heard += start + rest


@asynccontextmanager
async def replayed(session: Session) -> AsyncIterator[LaneBroker]:
    """A lane to the recorded broker. Afterwards all must have been said, and as it was then."""
    replay = Replay(session)
    with small_and_quick:
        async with await asyncio.start_server(replay.serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            yield LaneBroker(f"amqp://{ACCOUNT}:{ACCOUNT}@127.0.0.1:{port}/{VHOST}", name="recorded")
            async with asyncio.timeout(20):
                await replay.done.wait()
    assert replay.difference is None, replay.difference


async def at_once() -> None:
    """What was waited for is in the recording."""


@pytest.fixture(autouse=True)
def reads(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The sizes of all reads."""
    sizes: set[int] = set()
    cut = frames.Cutter.cut

    def noting(self: frames.Cutter, read: bytes) -> frames.Cut:
        sizes.add(len(read))
        return cut(self, read)

    monkeypatch.setattr(frames.Cutter, "cut", noting)
    return sizes


def deliveries_by_pamqp(session: Session) -> list[Delivery]:
    """The deliveries in what the broker said, read by pamqp."""
    said = b"".join(data for who, data in session if who == "broker")
    found: list[Delivery] = []
    begun: list[tuple[spec.Basic.Deliver, ContentHeader, bytes]] = []
    deliver: spec.Basic.Deliver | None = None
    while said:
        size, _, one = frame.unmarshal(said)
        said = said[size:]
        if isinstance(one, spec.Basic.Deliver):
            deliver = one
        elif isinstance(one, ContentHeader) and deliver is not None:
            begun.append((deliver, one, b""))
        elif isinstance(one, ContentBody):
            last, header, body = begun.pop()
            begun.append((last, header, body + one.value))
    for deliver, header, body in begun:
        assert header.body_size == len(body)
        assert deliver.delivery_tag is not None
        key = legible(deliver.routing_key) or ""
        properties = other._properties(header.properties)  # noqa: SLF001
        found.append(Delivery(body, key, bool(deliver.redelivered), deliver.delivery_tag, properties))
    return found


async def test_a_source_takes_what_was_delivered_and_says_what_it_said(reads: set[int]) -> None:
    session = load()["source"]

    async with replayed(session) as lane:
        taken = await take(lane, at_once)

    expected = deliveries_by_pamqp(session)
    assert len(taken) == PREPARED
    assert [one._replace(properties=expected[0].properties) for one in taken] == [
        one._replace(properties=expected[0].properties) for one in expected
    ]
    assert [shown(one.properties) for one in taken] == [shown(one.properties) for one in expected]
    assert reads == {1}


async def test_a_sink_learns_what_became_of_everything_and_says_what_it_said(reads: set[int]) -> None:
    async with replayed(load()["sink"]) as lane:
        await publish(lane, at_once)

    assert reads == {1}


def test_the_recording_holds_what_it_is_to_show() -> None:
    sessions = load()
    source, sink = (b"".join(data for who, data in sessions[name] if who == "broker") for name in ("source", "sink"))
    heartbeat = b"\x08\0\0\0\0\0\0\xce"
    basic = {"return": b"\0<\x002", "ack": b"\0<\0P", "nack": b"\0<\0x"}

    assert heartbeat in source
    assert heartbeat in sink
    assert all(method in sink for method in basic.values())
    assert sum(1 for one in load()["sink"] if b"\0\x14\0\x0b" in one[1] and one[0] == "broker") == 2
