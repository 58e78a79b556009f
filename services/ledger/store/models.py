"""The ledger's tables. Hot statements on them are in ``queries.sql``; migrations are held equal to this by a test."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, LargeBinary, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

_MOMENT = DateTime(timezone=True)
IS_OPEN = "state IN ('dispatched', 'acknowledged', 'partly-answered')"
"""``transitions.OPEN`` as a condition; a test holds the two together."""


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
    """One fact, for ever: the database itself refuses to change or delete one. ``index`` counts from 0 without gaps.

    ``leaf_hash`` is its leaf's in the Merkle tree. The leaf's bytes follow from the other columns (``contracts.leaf``)
    and are not kept.
    """

    __tablename__: ClassVar[str] = "entry"
    __table_args__ = (
        # The timeline of one message is read by its id.
        Index("entry_by_message", "message_id", "index"),
        CheckConstraint("octet_length(leaf_hash) = 32", name="entry_leaf_hash"),
    )

    index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=_MOMENT)
    event: str
    message_id: UUID | None = None
    data: dict[str, Any] = Field(sa_type=JSONB)
    leaf_hash: bytes = Field(sa_type=LargeBinary)


class TreeTile(SQLModel, table=True):
    """The Merkle tree above its leaves, in tiles of 256 hashes (C2SP tlog-tiles, section "Merkle Tree").

    A hash is appended when the tile below it is full. The tiles of level 0 are the leaf hashes of the entries.
    """

    __tablename__: ClassVar[str] = "tree_tile"
    __table_args__ = (
        CheckConstraint("level >= 1 AND number >= 0", name="tree_tile_place"),
        CheckConstraint(
            "octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0", name="tree_tile_hashes"
        ),
    )

    level: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hashes: bytes = Field(sa_type=LargeBinary)


class Checkpoint(SQLModel, table=True):
    """The newest checkpoint that was published, as a signed note. One row, which never goes back to a smaller size, and
    never names another root for the same one.
    """

    __tablename__: ClassVar[str] = "checkpoint"
    __table_args__ = (
        CheckConstraint("single", name="checkpoint_is_one_row"),
        CheckConstraint("octet_length(root) = 32", name="checkpoint_root"),
    )

    single: bool = Field(default=True, primary_key=True)
    size: int = Field(sa_type=BigInteger)
    root: bytes = Field(sa_type=LargeBinary)
    note: str
    # Among checkpoints of one size, the one with more signatures stands.
    signatures: int
    published_at: datetime = Field(sa_type=_MOMENT)


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
            postgresql_where=text(f"type = 'query' AND {IS_OPEN}"),
            postgresql_ops={"address": "text_pattern_ops"},
        ),
        # A month is closed by its name, while the head of the log is locked.
        Index("message_of_period", "period", postgresql_where=text("type = 'query' AND dispatched_at IS NOT NULL")),
        # What the scheduler looks at: the recipients that are to be reminded, the earliest first.
        Index("message_to_be_reminded", "remind_at", postgresql_where=text("remind_at IS NOT NULL")),
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
    # Destroyed by retention: then nothing tells any more what the message said.
    salt: bytes | None = Field(default=None, sa_type=LargeBinary)
    commitment: bytes = Field(sa_type=LargeBinary)
    arrived_at: datetime = Field(sa_type=_MOMENT)
    accepted_at: datetime = Field(sa_type=_MOMENT)
    accepted_entry: int = Field(sa_type=BigInteger)
    dispatched_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    closed_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    period: str | None = None
    original_due: date | None = None
    taken_at: datetime = Field(sa_type=_MOMENT)
    acknowledged_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    duty: int
    forwards: int
    holders: list[str] = Field(sa_type=ARRAY(String))
    forward_id: UUID | None = None
    proposed_due: date | None = None
    reason_code: str | None = None
    on_time_original: bool | None = None
    timely: bool | None = None
    useful: bool | None = None
    remind_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    reminded: int
    reminded_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    reminder_batch: UUID | None = None


class PastDuty(SQLModel, table=True):
    """A recipient's time with a query, ended because the query was forwarded or passed on. The view ``duty`` has these
    and the present ones.
    """

    __tablename__: ClassVar[str] = "past_duty"
    __table_args__ = (
        # Rates over any time range, as recipient and as sender, as of the messages.
        Index("past_duty_received", "address", "received_at", postgresql_ops={"address": "text_pattern_ops"}),
        Index("past_duty_sent", "origin", "received_at", postgresql_ops={"origin": "text_pattern_ops"}),
        # Months are closed by their name.
        Index("past_duty_of_period", "period"),
    )

    query_id: UUID = Field(primary_key=True)
    number: int = Field(primary_key=True)
    sender: str
    origin: str
    address: str
    recipient: str
    tier: str
    kind: str
    period: str
    due: date | None = None
    original_due: date | None = None
    taken_at: datetime = Field(sa_type=_MOMENT)
    received_at: datetime = Field(sa_type=_MOMENT)
    acknowledged_at: datetime | None = Field(default=None, sa_type=_MOMENT)
    ended_at: datetime = Field(sa_type=_MOMENT)


class Cohort(SQLModel, table=True):
    """The counters of one cohort, seen from one role. Moved in the transaction that appends the entries that move them.

    ``role`` is ``recipient``, where ``address`` is the one asked, or ``sender``, where it is the one that asked.
    """

    __tablename__: ClassVar[str] = "cohort"
    __table_args__ = (
        # Conservation (design section 2.3), held by the database itself.
        CheckConstraint("received = answered + unanswered + withdrawn + forwarded", name="cohort_conservation"),
        CheckConstraint(
            "least(answered, unanswered, withdrawn, forwarded, on_time_original) >= 0"
            " AND on_time_original <= on_time AND on_time <= answered AND substantive BETWEEN 0 AND answered",
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
    on_time_original: int = Field(sa_type=BigInteger)
    substantive: int = Field(sa_type=BigInteger)
    # The newest entry that moved it: its leaf states the cohort's totals.
    entry: int = Field(sa_type=BigInteger)


class Closing(SQLModel, table=True):
    """A month whose figures are fixed, as they stood at its cut-off, ``as_of``."""

    __tablename__: ClassVar[str] = "closing"

    period: str = Field(primary_key=True)
    as_of: datetime = Field(sa_type=_MOMENT)
    closed_at: datetime = Field(sa_type=_MOMENT)
    by: str
    entry: int = Field(sa_type=BigInteger)


class ClosedCohort(SQLModel, table=True):
    """A cohort of a closed month, for ever. What came later is in ``cohort``, beside it."""

    __tablename__: ClassVar[str] = "closed_cohort"
    __table_args__ = (
        Index("closed_cohort_by_period", "role", "period", "address", postgresql_ops={"address": "text_pattern_ops"}),
    )

    role: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    tier: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    period: str = Field(primary_key=True, foreign_key="closing.period")
    received: int = Field(sa_type=BigInteger)
    answered: int = Field(sa_type=BigInteger)
    on_time: int = Field(sa_type=BigInteger)
    on_time_original: int = Field(sa_type=BigInteger)
    substantive: int = Field(sa_type=BigInteger)
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
