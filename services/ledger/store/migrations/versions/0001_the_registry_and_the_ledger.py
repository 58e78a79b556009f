"""The registry and the ledger.

Revision: 0001, after None.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = ("entry", "administration")
"""Tables whose rows nobody changes or deletes, their owner included (design section 2.4)."""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only: a correction is a new row', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def upgrade() -> None:
    """Forward only: the ledger is append-only, and so is its schema's history."""
    # A migration that waits for a lock makes every statement behind it wait: it gives up instead, and is run again.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(REFUSE_CHANGE)
    op.create_table(
        "administration",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "cohort",
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.Column("on_time", sa.BigInteger(), nullable=False),
        sa.Column("unanswered", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.BigInteger(), nullable=False),
        sa.Column("forwarded", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "least(answered, unanswered, withdrawn, forwarded, on_time) >= 0 AND on_time <= answered",
            name="cohort_counts",
        ),
        sa.CheckConstraint("received = answered + unanswered + withdrawn + forwarded", name="cohort_conservation"),
        sa.PrimaryKeyConstraint("role", "address", "tier", "kind", "period"),
    )
    op.create_index(
        "cohort_by_period",
        "cohort",
        ["role", "period", "address"],
        unique=False,
        postgresql_ops={"address": "text_pattern_ops"},
    )
    op.create_table(
        "directory_edition",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("files", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "entry",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("index"),
    )
    op.create_index("entry_by_message", "entry", ["message_id", "index"], unique=False)
    op.create_table(
        "jurisdiction_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("change", sa.String(), nullable=False),
        sa.Column("old_code", sa.String(), nullable=True),
        sa.Column("old_name", sa.String(), nullable=False),
        sa.Column("new_code", sa.String(), nullable=True),
        sa.Column("new_name", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
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
    op.create_table(
        "kind",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "log_head",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("single", name="log_head_is_one_row"),
        sa.PrimaryKeyConstraint("single"),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("submitter", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("written_to", sa.String(), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=True),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("correlation_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("answer_id", sa.Uuid(), nullable=True),
        sa.Column("on_time", sa.Boolean(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("parked_reason", sa.String(), nullable=True),
        sa.Column("batch", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_entry", sa.BigInteger(), nullable=False),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("period", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "message_parked", "message", ["accepted_entry"], unique=False, postgresql_where=sa.text("state = 'parked'")
    )
    op.create_index(
        "message_received",
        "message",
        ["address", "dispatched_at"],
        unique=False,
        postgresql_where=sa.text("type = 'query' AND dispatched_at IS NOT NULL"),
        postgresql_ops={"address": "text_pattern_ops"},
    )
    op.create_index(
        "message_sent",
        "message",
        ["origin", "dispatched_at"],
        unique=False,
        postgresql_where=sa.text("type = 'query' AND dispatched_at IS NOT NULL"),
        postgresql_ops={"origin": "text_pattern_ops"},
    )
    op.create_index(
        "message_unanswered",
        "message",
        ["address", "dispatched_at", "id"],
        unique=False,
        postgresql_where=sa.text("type = 'query' AND state = 'dispatched'"),
        postgresql_ops={"address": "text_pattern_ops"},
    )
    op.create_table(
        "participant",
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("code", sa.String(), sa.Computed("split_part(address, '.', 1)", persisted=True), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), server_default="active", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(status = 'disabled') = (disabled_at IS NOT NULL)", name="participant_disabled_since"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="participant_status"),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "refusal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("sender", sa.String(), nullable=True),
        sa.Column("type", sa.String(), nullable=True),
        sa.Column("problem", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("payload_bytes", sa.Integer(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("refusal_by_entry", "refusal", ["entry"], unique=True)
    op.create_index(
        "refusal_by_message",
        "refusal",
        ["message_id"],
        unique=False,
        postgresql_where=sa.text("message_id IS NOT NULL"),
    )
    op.create_index("refusal_by_sender", "refusal", ["sender", "entry"], unique=False)
    op.create_table(
        "registry_version",
        sa.Column("single", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("directory", sa.BigInteger(), nullable=False),
        sa.Column("participants", sa.BigInteger(), nullable=False),
        sa.Column("kinds", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("single", name="registry_version_has_one_row"),
        sa.PrimaryKeyConstraint("single"),
    )
    op.create_table(
        "set_aside",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queue", sa.String(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("sender", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "api_token",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(role = 'participant') = (address IS NOT NULL)", name="api_token_owner"),
        sa.CheckConstraint("role IN ('participant', 'administrator')", name="api_token_role"),
        sa.CheckConstraint("octet_length(sha256) = 32", name="api_token_is_hashed"),
        sa.ForeignKeyConstraint(
            ["address"],
            ["participant.address"],
        ),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_index("api_token_of_participant", "api_token", ["address"], unique=False)
    op.create_table(
        "jurisdiction",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "CASE WHEN level = 'province' THEN parent IS NULL ELSE parent IS NOT NULL AND parent <> code AND starts_with(code, parent) END",
            name="jurisdiction_lies_under_its_parent",
        ),
        sa.CheckConstraint(
            "code ~ CASE level WHEN 'province' THEN '^[0-9]{2}$' WHEN 'prefecture' THEN '^[0-9]{4}$' WHEN 'county' THEN '^[0-9]{6}$' WHEN 'township' THEN '^[0-9]{9}$' END",
            name="jurisdiction_code_has_the_digits_of_its_level",
        ),
        sa.CheckConstraint("level IN ('province', 'prefecture', 'county', 'township')", name="jurisdiction_level"),
        sa.CheckConstraint("valid_until >= valid_from", name="jurisdiction_validity_runs_forward"),
        sa.ForeignKeyConstraint(
            ["edition"],
            ["directory_edition.id"],
        ),
        sa.PrimaryKeyConstraint("code", "edition"),
    )
    op.create_index(
        "jurisdiction_current", "jurisdiction", ["code"], unique=True, postgresql_where=sa.text("valid_until IS NULL")
    )
    op.execute("INSERT INTO log_head (single, epoch, size, at) VALUES (true, 0, 0, 'epoch'::timestamptz)")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """There is no way back; restore a backup instead."""
    raise NotImplementedError("migrations of the ledger go forward only")
