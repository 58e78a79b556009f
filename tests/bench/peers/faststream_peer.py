"""The same task with FastStream, as its guides on RabbitMQ, acknowledgement, lifespan and several workers have it: an
insert for each message, committed before the message is handed over with a confirm, and acked after that.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
from faststream import AckPolicy, Context, ContextRepo, FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitMessage, RabbitQueue

INSERT = "INSERT INTO message (id, recipient, digest) VALUES ($1, $2, sha256($3)) ON CONFLICT DO NOTHING"

broker = RabbitBroker(os.environ["PEER_AMQP_URL"], default_channel=Channel(prefetch_count=200, on_return_raises=True))


@asynccontextmanager
async def lifespan(context: ContextRepo) -> AsyncIterator[None]:
    """The pool of connections that its handlers share."""
    async with asyncpg.create_pool(os.environ["PEER_DATABASE_URL"], min_size=4, max_size=16) as pool:
        context.set_global("pool", pool)
        yield


app = FastStream(broker, lifespan=lifespan)


@broker.subscriber(
    RabbitQueue("ingress", queue_type=QueueType.QUORUM, durable=True), ack_policy=AckPolicy.NACK_ON_ERROR
)
async def forward(payload: dict[str, str], message: RabbitMessage, pool: asyncpg.Pool = Context()) -> None:  # noqa: B008 - Their way.
    """Write a query down and hand it over to its recipient's inbox."""
    to = message.headers["to"]
    await pool.execute(INSERT, UUID(message.message_id), to, message.body)
    await broker.publish(
        payload,
        routing_key=f"inbox.{to}",
        persist=True,
        mandatory=True,
        message_id=message.message_id,
        message_type="query",
    )
