"""The messages that test clients send: right ones, each with an id of its own."""

import json
import uuid
from dataclasses import asdict, dataclass
from typing import Any

import aio_pika

_ANSWER_NAMESPACE = uuid.UUID("6f5a8a56-0f5c-5d83-b9f4-3b1f7a4a7c11")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as its sender means it. ``note`` goes into the payload."""

    id: str
    type: str
    to: str | None = None
    correlation_id: str | None = None
    note: str = ""

    @property
    def payload(self) -> dict[str, str]:
        """What its kind asks for."""
        about_a_query = self.type in ("answer", "acknowledgement", "withdrawal")
        return {"note": self.note} if about_a_query else {"subject": "fault test", "note": self.note}

    def as_fact(self) -> dict[str, Any]:
        """For a journal, without the payload."""
        return {name: value for name, value in asdict(self).items() if name != "note"}

    def as_amqp(self, account: str) -> aio_pika.Message:
        """As it is published, with the type as the routing key."""
        return aio_pika.Message(
            json.dumps(self.payload).encode(),
            message_id=self.id,
            type=self.type,
            user_id=account,
            correlation_id=self.correlation_id,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers={**self._members()},
        )

    def as_http(self) -> dict[str, Any]:
        """As it is posted."""
        about = {"correlation_id": self.correlation_id} if self.correlation_id else {}
        return {"id": self.id, "type": self.type, **about, **self._members(), "payload": self.payload}

    def _members(self) -> dict[str, str]:
        match self.type:
            case "answer":
                return {"outcome": "confirmed"}
            case "forward":
                return {"to": str(self.to), "reason": "not-in-charge"}
            case "acknowledgement" | "withdrawal":
                return {}
        return {"to": str(self.to), "kind": "case.assist" if self.type == "query" else "service.notice"}


def query(to: str, note: str = "") -> Message:
    """A new query."""
    return Message(str(uuid.uuid4()), "query", to=to, note=note)


def notice(to: str, note: str = "") -> Message:
    """A new notice."""
    return Message(str(uuid.uuid4()), "notice", to=to, note=note)


def answer(query_id: str, note: str = "") -> Message:
    """The answer to a query: the same whenever it is made, as a recipient that sees a query twice answers it."""
    return Message(str(uuid.uuid5(_ANSWER_NAMESPACE, query_id)), "answer", correlation_id=query_id, note=note)


def forward(query_id: str, to: str) -> Message:
    """A query handed on, with its payload."""
    return Message(str(uuid.uuid4()), "forward", to=to, correlation_id=query_id)
