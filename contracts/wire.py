"""What the HTTP APIs answer with: the wire's models, apart from any table. Times are ISO 8601 with offset, dates ISO
8601.
"""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.addresses import Tier
from contracts.readings import Codes


class Wire(BaseModel):
    """Common to all: nothing but what is declared."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class InCustody(Wire):
    """A posted message is in custody: the broker has it on disk, the ledger will say what became of it."""

    id: UUID
    type: str
    arrived_at: datetime = Field(description="When the exchange took it")
    address: str | None = Field(description="The current address that `to` leads to; null on an answer")
    due: date | None = Field(description="Last day on which an answer is on time; null where none is owed")


class FiguresOut(Wire):
    """Counts of queries, the feedback rate in per cent with two decimals, and the same as an exact fraction."""

    received: int
    answered: int
    on_time: int
    unanswered: int
    withdrawn: int
    forwarded: int
    on_time_original: int = Field(description="On time by the date that held before any extension")
    substantive: int = Field(description="Answers that say something of the matter: neither `not-found` nor `refused`")
    rate: str | None = Field(description="`99.86`; null for 0/0, which has no rate")
    fraction: str = Field(description="`713/714`")


class RateOut(FiguresOut):
    """The feedback rate of a jurisdiction and everything below it, with the figures of each tier."""

    jurisdiction: str = Field(description="Empty for the whole platform")
    name: str | None
    role: str
    tier: str | None = Field(description="The one asked for; null for both together")
    kind: str | None
    codes: Codes = Field(description="Under which codes: as counted `then`, or those of `today`")
    period: str | None
    from_: datetime = Field(alias="from", description="Queries received at or after this moment")
    to: datetime = Field(description="Queries received before this moment")
    as_of: datetime = Field(description="Answers counted up to this moment")
    tiers: dict[Tier, FiguresOut]


class UnansweredQuery(Wire):
    """A query that was received and is neither answered, withdrawn nor forwarded."""

    id: UUID
    kind: str
    from_: str = Field(alias="from")
    to: str
    address: str
    recipient: str
    tier: Tier
    dispatched_at: datetime = Field(description="When it was confirmed into the recipient's inbox, and so received")
    due: date | None = Field(description="The date agreed on")
    original_due: date | None = Field(description="The date that held before any extension")
    state: str = Field(description="`dispatched`, `acknowledged` or `partly-answered`")
    acknowledged_at: datetime | None
    overdue: bool


class UnansweredPage(Wire):
    """Unanswered queries, oldest first. `next` continues behind the last one; null at the end."""

    jurisdiction: str
    items: list[UnansweredQuery]
    next: str | None


class EntryOut(Wire):
    """One entry of the ledger."""

    index: int
    at: datetime
    event: str
    data: dict[str, object]


class RefusalOut(Wire):
    """A message that was not let in, and why."""

    id: UUID
    message_id: UUID | None
    sender: str | None
    type: str | None
    problem: str = Field(description="The problem type's URN")
    title: str
    detail: str
    door: str = Field(description="`amqp`, `http`, or `ledger` where only the ledger could see it")
    payload_bytes: int
    arrived_at: datetime
    at: datetime
    entry: int


class CustodyOut(Wire):
    """A stretch of time in which one holder had a message."""

    holder: str = Field(description="The participant, or `exchange`")
    stage: Literal["exchange", "before-acknowledgement", "after-acknowledgement"]
    since: datetime
    until: datetime | None = Field(description="Null while it lasts")
    seconds: float = Field(description="Up to now while it lasts")


class MessageOut(Wire):
    """A message as it stands, its entries in order, and every time its id was refused. `state` null: only refused."""

    id: UUID
    state: str | None
    type: str | None = None
    kind: str | None = None
    sender: str | None = None
    submitter: str | None = None
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    address: str | None = None
    recipient: str | None = None
    tier: Tier | None = None
    due: date | None = None
    original_due: date | None = None
    proposed_due: date | None = None
    correlation_id: UUID | None = None
    outcome: str | None = None
    reason_code: str | None = None
    answer_id: UUID | None = None
    on_time: bool | None = None
    on_time_original: bool | None = None
    timely: bool | None = None
    useful: bool | None = None
    forwards: int | None = None
    holders: list[str] = Field(default=[], description="Participants that had the query before")
    acknowledged_at: datetime | None = None
    reminded_at: datetime | None = None
    remind_at: datetime | None = Field(default=None, description="When its recipient is reminded next")
    parked_reason: str | None = None
    arrived_at: datetime | None = None
    accepted_at: datetime | None = None
    dispatched_at: datetime | None = None
    closed_at: datetime | None = None
    period: str | None = None
    custody: list[CustodyOut] = Field(default=[], description="Who had it, and for how long, without gaps")
    entries: list[EntryOut] = []
    refusals: list[RefusalOut] = []


class RefusalPage(Wire):
    """Refusals, newest first. `next` continues behind the last one; null at the end."""

    items: list[RefusalOut]
    next: str | None


class ParkedMessageOut(Wire):
    """A message that could not be placed, and waits."""

    id: UUID
    type: str
    kind: str | None
    sender: str
    from_: str = Field(alias="from")
    to: str | None
    address: str
    tier: Tier
    due: date | None
    reason: str
    accepted_at: datetime
    entry: int


class SetAsideOut(Wire):
    """Something that nobody could take; its bytes lie in the queue `set-aside`."""

    id: UUID
    at: datetime
    queue: str = Field(description="The queue that it came to its end in")
    message_id: UUID | None
    sender: str | None
    reason: str


class ParkedPage(Wire):
    """Parked messages, oldest first, and, for administrators, what was set aside."""

    items: list[ParkedMessageOut]
    next: str | None
    set_aside: list[SetAsideOut]


class BrokenCohort(Wire):
    """A cohort whose counters do not agree."""

    role: str
    address: str
    tier: str
    kind: str
    period: str
    received: int
    answered: int
    on_time: int
    unanswered: int
    withdrawn: int
    forwarded: int
    unanswered_messages: int = Field(description="How many messages really are unanswered")


class Conservation(Wire):
    """Whether received = answered + unanswered + withdrawn + forwarded, for every address, tier, kind and period."""

    holds: bool
    at: datetime
    entries: int = Field(description="Size of the log that was checked")
    broken: list[BrokenCohort]
