"""What was done while the exchange with a broker was recorded, to be done again when it is replayed.

The recording is made anew by ``python -m tests.integration.runtime.record_lane``. Its words are all there is in it of
an account, which opens nothing.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal
from unittest.mock import patch

from services.runtime.lane import handshake
from services.runtime.ports import Broker, Delivery, Failure, Publication

FILE = Path(__file__).parent / "rabbitmq-3.10.json"
ACCOUNT = "recorder"
VHOST = "recorded"
PREPARED = 12
"""How many messages are in the queue before the source is opened."""

Session = list[tuple[Literal["client", "broker"], bytes]]

# Small frames, so that a recording of bodies in several frames is no large one; and heartbeats that come soon.
small_and_quick = patch.multiple(handshake, FRAME_MAX=4096, HEARTBEAT_SECONDS=1)


def load() -> dict[str, Session]:
    """The sessions of the recording, in the order of the wire."""
    recorded = json.loads(FILE.read_text())
    return {name: [(who, bytes.fromhex("".join(data))) for who, data in said] for name, said in recorded.items()}


def store(sessions: dict[str, Session]) -> None:
    """Write the recording, in lines that can be read."""
    written = {
        name: [(who, [data[start : start + 48].hex() for start in range(0, len(data), 48)]) for who, data in said]
        for name, said in sessions.items()
    }
    FILE.write_text(json.dumps(written, indent=0) + "\n")


async def publish(lane: Broker, idle: Callable[[], Awaitable[None]]) -> None:
    """Confirms, returns, bodies of no and of several frames, a refusal and what follows it, heartbeats, and the end."""
    headers: dict[str, str | int] = {"to": "410102", "n": 7, "large": 2**40, "note": "县"}
    several = [
        Publication("here", "正文".encode(), "id-0", "query", "id-9", "application/json", headers),
        Publication("nowhere", b"lost", "id-0", "query"),
        Publication("here", b""),
        Publication("nowhere", b"lost", "id-0", "query"),
        Publication("here", bytes(range(256)) * 40, "id-1"),
    ]
    async with lane.open_sink("out") as sink:
        assert await sink.publish(several) == [Failure(1, "returned"), Failure(3, "returned")]
        await idle()
        async with asyncio.timeout(60):
            # It is told that the queue is full only after it has published some.
            while not (refused := await sink.publish([Publication("small", b"full", "id-2")])):
                pass
        assert refused == [Failure(0, "nacked")]
        mixed = [Publication(key, b"mixed", "id-3") for key in ("here", "nowhere", "here")]
        assert await sink.publish(mixed) == [Failure(1, "returned")]


async def take(lane: Broker, idle: Callable[[], Awaitable[None]]) -> list[Delivery]:
    """All that was prepared, acked in two parts with heartbeats between them, and the end."""
    taken: list[Delivery] = []
    async with lane.open_source("queue", size=5, linger=0, prefetch=50) as source, asyncio.timeout(60):
        while len(taken) < PREPARED:
            taken += await anext(source)
        await source.ack(taken[2])
        await idle()
        await source.ack(taken[-1])
    return taken
