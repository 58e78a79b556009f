"""The same task with Celery, as its guides on RabbitMQ, quorum queues, results and optimizing have it.

The result that its backend commits to PostgreSQL stands for the row on the ledger. It comes after the hand-over, which
the exchange never does: Celery has no place for it before, so this asks less of it.
"""

import os

from celery import Celery, Task

app = Celery("peer", broker=os.environ["PEER_AMQP_URL"], backend=f"db+{os.environ['PEER_DATABASE_URL']}")
app.conf.update(
    task_default_queue="ingress",
    task_default_queue_type="quorum",
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    # What is not lost with its worker: acked when it is done, and again in the queue when its process dies.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    # The guide on optimizing wants this large where tasks are short and many; 50 or 150, it says.
    worker_prefetch_multiplier=128,
)


@app.task(name="peer.forward", bind=True)
def forward(self: Task, payload: dict[str, str]) -> str:
    """Hand a query over to its recipient's inbox, with a confirm."""
    to = self.request.headers["to"]
    with self.app.producer_or_acquire() as producer:
        producer.publish(
            payload,
            exchange="",
            routing_key=f"inbox.{to}",
            serializer="json",
            delivery_mode=2,
            mandatory=True,
            message_id=self.request.id,
            type="query",
        )
    return str(to)
