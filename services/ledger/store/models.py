"""The ledger's tables. Hot statements on them are in ``queries.sql``; migrations are held equal to this by a test."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

_MOMENT = DateTime(timezone=True)


class LogHead(SQLModel, table=True):
    """Where the log ends. One row; whoever writes entries locks it first and must hold its epoch."""

    __tablename__: ClassVar[str] = "log_head"
    # There is one log, so there is one head.
    __table_args__ = (CheckConstraint("single", name="log_head_is_one_row"),)

    single: bool = Field(default=True, primary_key=True)
    epoch: int = Field(sa_type=BigInteger)
    size: int = Field(sa_type=BigInteger)
    at: datetime = Field(sa_type=_MOMENT)


class Entry(SQLModel, table=True):
    """One fact, for ever: the database itself refuses to change or delete one. ``index`` counts from 0 without gaps."""

    __tablename__: ClassVar[str] = "entry"
    # The timeline of one message is read by its id.
    __table_args__ = (Index("entry_by_message", "message_id", "index"),)

    index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=_MOMENT)
    event: str
    message_id: UUID | None = None
    data: dict[str, Any] = Field(sa_type=JSONB)


class Message(SQLModel, table=True):
    """The state of one message, as its entries say. Never its payload.

    ``salt`` and ``commitment`` tell whether a message that comes again has the same content, without keeping the
    content.
    """

    __tablename__: ClassVar[str] = "message"
    __table_args__ = (
        # What is unanswered, oldest first, for an address and everything below it.
        Index(
            "message_unanswered",
            "address",
            "dispatched_at",
            "id",
            postgresql_where=text("type = 'query' AND state = 'dispatched'"),
            postgresql_ops={"address": "text_pattern_ops"},
        ),
        # What is parked is listed, and is little.
        Index("message_parked", "accepted_entry", postgresql_where=text("state = 'parked'")),
        # Rates over any time range, as recipient and as sender: queries received in it by an address and everything
        # below it.
        Index(
            "message_received",
            "address",
            "dispatched_at",
            postgresql_where=text("type = 'query' AND dispatched_at IS NOT NULL"),
            postgresql_ops={"address": "text_pattern_ops"},
        ),
        Index(
            "message_sent",
            "origin",
            "dispatched_at",
            postgresql_where=text("type = 'query' AND dispatched_at IS NOT NULL"),
            postgresql_ops={"origin": "text_pattern_ops"},
        ),
    )

    id: UUID = Field(primary_key=True)
    type: str
    kind: str | None = None
    sender: str
    submitter: str
    origin: str
    written_to: str | None = None
    address: str
    recipient: str | None = None
    tier: str
    due: date | None = None
    correlation_id: UUID | None = None
    outcome: str | None = None
    answer_id: UUID | None = None
    on_time: bool | None = None
    state: str
    parked_reason: str | None = None
    batch: UUID
    salt: bytes = Field(sa_type=LargeBinary)
    commitment: bytes = Field(sa_type=LargeBinary)
    arrived_at: datetime = Field(sa_type=_MOMENT)
    accepted_at: datetime = Field(sa_type=_MOMENT)
    accepted_entry: int = Field(sa_type=BigInteger)
    dispatched_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    closed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    period: str | None = None


class Cohort(SQLModel, table=True):
    """The counters of one cohort, seen from one role. Moved in the transaction that appends the entries that move them.

    ``role`` is ``recipient``, where ``address`` is the one asked, or ``sender``, where it is the one that asked.
    """

    __tablename__: ClassVar[str] = "cohort"
    __table_args__ = (
        # Conservation (design section 2.3), held by the database itself.
        CheckConstraint("received = answered + unanswered + withdrawn + forwarded", name="cohort_conservation"),
        CheckConstraint(
            "least(answered, unanswered, withdrawn, forwarded, on_time) >= 0 AND on_time <= answered",
            name="cohort_counts",
        ),
        # A code's figures in a period are the sums of the cohorts at and below it.
        Index("cohort_by_period", "role", "period", "address", postgresql_ops={"address": "text_pattern_ops"}),
    )

    role: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    tier: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    period: str = Field(primary_key=True)
    received: int = Field(sa_type=BigInteger)
    answered: int = Field(sa_type=BigInteger)
    on_time: int = Field(sa_type=BigInteger)
    unanswered: int = Field(sa_type=BigInteger)
    withdrawn: int = Field(sa_type=BigInteger)
    forwarded: int = Field(sa_type=BigInteger)


class Refusal(SQLModel, table=True):
    """A message that was not let in, with the reason and without its payload."""

    __tablename__: ClassVar[str] = "refusal"
    __table_args__ = (
        Index("refusal_by_entry", "entry", unique=True),
        # A sender looks for what became of an id it used.
        Index("refusal_by_message", "message_id", postgresql_where=text("message_id IS NOT NULL")),
        Index("refusal_by_sender", "sender", "entry"),
    )

    id: UUID = Field(primary_key=True)
    message_id: UUID | None = None
    sender: str | None = None
    type: str | None = None
    problem: str
    detail: str
    door: str
    payload_bytes: int
    arrived_at: datetime = Field(sa_type=_MOMENT)
    at: datetime = Field(sa_type=_MOMENT)
    entry: int = Field(sa_type=BigInteger)


class SetAside(SQLModel, table=True):
    """A record that the ledger could not take, kept in the dead-letters queue, listed here until someone has dealt
    with it.
    """

    __tablename__: ClassVar[str] = "set_aside"

    id: UUID = Field(primary_key=True)
    at: datetime = Field(sa_type=_MOMENT)
    queue: str
    message_id: UUID | None = None
    sender: str | None = None
    reason: str
