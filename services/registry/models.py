"""Tables of the registry. They are created by the project's migrations; the queries on them stand beside their use.

Times are `timestamptz`. A jurisdiction's validity is in whole days, `valid_from` included and `valid_until` not.
"""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


def _moment() -> Any:
    """A column that is set to the transaction's time when it is not given."""
    return Field(sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now()))


def _later_moment() -> Any:
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))


class DirectoryEditionRow(SQLModel, table=True):
    """One import of directory files: the date from which it holds, what came in, and what it changed."""

    __tablename__: ClassVar[Any] = "directory_edition"

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    as_of: date
    imported_at: datetime = _moment()
    files: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    added: int
    changed: int
    retired: int


class JurisdictionRow(SQLModel, table=True):
    """A jurisdiction as one edition brought it in; a later edition that changes or retires it closes its validity.

    Rows are never removed, so that what a code was on a day can be asked for ever.
    """

    __tablename__: ClassVar[Any] = "jurisdiction"
    __table_args__ = (
        # A code is one jurisdiction at a time: at most one row of a code is open.
        Index("jurisdiction_current", "code", unique=True, postgresql_where=text("valid_until IS NULL")),
        # The digits of a code say its level, and it lies under its parent; the import says so with the line, this
        # keeps every other way in honest.
        CheckConstraint(
            "code ~ CASE level WHEN 'province' THEN '^[0-9]{2}$' WHEN 'prefecture' THEN '^[0-9]{4}$'"
            " WHEN 'county' THEN '^[0-9]{6}$' WHEN 'township' THEN '^[0-9]{9}$' END",
            name="jurisdiction_code_has_the_digits_of_its_level",
        ),
        CheckConstraint("level IN ('province', 'prefecture', 'county', 'township')", name="jurisdiction_level"),
        CheckConstraint(
            "CASE WHEN level = 'province' THEN parent IS NULL"
            " ELSE parent IS NOT NULL AND parent <> code AND starts_with(code, parent) END",
            name="jurisdiction_lies_under_its_parent",
        ),
        # A row that is replaced on the day it came in was valid for no day at all, which is allowed.
        CheckConstraint("valid_until >= valid_from", name="jurisdiction_validity_runs_forward"),
    )

    code: str = Field(primary_key=True)
    edition: int = Field(sa_column=Column(BigInteger, ForeignKey("directory_edition.id"), primary_key=True))
    name: str
    level: str
    parent: str | None = None
    valid_from: date
    valid_until: date | None = None


class JurisdictionChangeRow(SQLModel, table=True):
    """A row of the change table: old code and name became new code and name in a year."""

    __tablename__: ClassVar[Any] = "jurisdiction_change"
    __table_args__ = (
        # Importing a change again merges into the row that is there; NULLs count as equal, or new jurisdictions, which
        # have no old code, would pile up.
        UniqueConstraint(
            "year",
            "change",
            "old_code",
            "old_name",
            "new_code",
            "new_name",
            name="jurisdiction_change_once",
            postgresql_nulls_not_distinct=True,
        ),
    )

    # Of two changes of a code in one year the later in the file is the later one: the id keeps the order of the file.
    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    year: int
    change: str
    old_code: str | None = None
    old_name: str
    new_code: str | None = None
    new_name: str
    document: str


class ParticipantRow(SQLModel, table=True):
    """An address with an account on the exchange and an inbox. A row is never there without both."""

    __tablename__: ClassVar[Any] = "participant"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'disabled')", name="participant_status"),
        # Whoever is disabled since a time is disabled, and the other way round.
        CheckConstraint("(status = 'disabled') = (disabled_at IS NOT NULL)", name="participant_disabled_since"),
    )

    address: str = Field(primary_key=True)
    # The jurisdiction's code, without a department, for lists by territory.
    code: str = Field(sa_column=Column(String, Computed("split_part(address, '.', 1)", persisted=True), nullable=False))
    name: str
    status: str = Field(default="active", sa_column_kwargs={"server_default": "active"})
    created_at: datetime = _moment()
    disabled_at: datetime | None = _later_moment()


class APITokenRow(SQLModel, table=True):
    """A bearer token, of which only the SHA-256 is kept."""

    __tablename__: ClassVar[Any] = "api_token"
    __table_args__ = (
        CheckConstraint("octet_length(sha256) = 32", name="api_token_is_hashed"),
        CheckConstraint("role IN ('participant', 'administrator')", name="api_token_role"),
        # A participant's token belongs to one participant; an administrator's belongs to none.
        CheckConstraint("(role = 'participant') = (address IS NOT NULL)", name="api_token_owner"),
        # Revoking a participant's tokens looks them up by their address.
        Index("api_token_of_participant", "address"),
    )

    sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    address: str | None = Field(default=None, foreign_key="participant.address")
    role: str
    created_at: datetime = _moment()
    revoked_at: datetime | None = _later_moment()


class KindRow(SQLModel, table=True):
    """A kind of query or notice, as its document defines it."""

    __tablename__: ClassVar[Any] = "kind"

    name: str = Field(primary_key=True)
    definition: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    imported_at: datetime = _moment()


class RegistryVersionRow(SQLModel, table=True):
    """The one row that says how often the registry changed, and at which version each part of it last did.

    Every transaction that changes the registry updates it, which also makes them wait for each other.
    """

    __tablename__: ClassVar[Any] = "registry_version"
    # There is exactly one row: the key can only be true.
    __table_args__ = (CheckConstraint("single", name="registry_version_has_one_row"),)

    single: bool = Field(default=True, primary_key=True, sa_column_kwargs={"server_default": text("true")})
    version: int = Field(sa_type=BigInteger)
    directory: int = Field(sa_type=BigInteger)
    participants: int = Field(sa_type=BigInteger)
    kinds: int = Field(sa_type=BigInteger)


class AdministrationRow(SQLModel, table=True):
    """The record of administrators' actions, written in the transaction of the action; append-only."""

    __tablename__: ClassVar[Any] = "administration"

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = _moment()
    actor: str
    action: str
    target: str
    detail: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


# Owner and superuser pass every GRANT by, so the record defends itself; a migration executes these after the table.
ADMINISTRATION_IS_APPEND_ONLY = (
    """
    CREATE FUNCTION administration_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the record of administration is append-only: % refused', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END $$
    """,
    """
    CREATE TRIGGER administration_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON administration
    FOR EACH STATEMENT EXECUTE FUNCTION administration_is_append_only()
    """,
)
