"""What `GET /v1/messages` answers with: a participant's queries, by the list that it would keep of them itself."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from contracts.addresses import Tier
from contracts.wire import Wire


class ListName(StrEnum):
    """The lists that a participant keeps of its own messages, each of queries' ids.

    Those of ``received`` and ``answered`` are as many as the figures of the same name have of a month's cohort.
    """

    SENT = "sent"
    RECEIVED = "received"
    ANSWERED = "answered"


class ListedQuery(Wire):
    """A query on one of a participant's lists."""

    id: UUID
    kind: str
    sender: str = Field(description="The participant that asked")
    from_: str = Field(alias="from")
    to: str = Field(description="As the asker wrote it")
    address: str = Field(description="Where it was when it was received: by the list's participant, or of `sent` first")
    recipient: str = Field(description="The participant whose inbox it was confirmed into then")
    tier: Tier
    received_at: datetime = Field(description="When it was confirmed into that inbox")
    period: str = Field(description="The month that this counts in")
    state: str = Field(
        description="Of `sent`, the query's state now; of the others, what became of it with this participant, "
        "`forwarded` where it was handed on"
    )
    ended_at: datetime | None = Field(description="When it was answered, withdrawn or handed on")
    answer_id: UUID | None = Field(description="The last answer, or the last part of one")
    outcome: str | None


class ListedPage(Wire):
    """A participant's queries, the first received first. `next` continues behind the last one; null at the end."""

    list_: ListName = Field(alias="list")
    participant: str
    period: str | None
    from_: datetime = Field(alias="from", description="Queries received at or after this moment")
    to: datetime = Field(description="Queries received before this moment")
    items: list[ListedQuery]
    next: str | None
