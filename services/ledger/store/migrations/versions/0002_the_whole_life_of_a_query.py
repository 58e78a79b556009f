"""The whole life of a query: acknowledged, extended, forwarded, withdrawn, reminded, rated, and closed by period.

Revision: 0002, after 0001.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
COUNTERS = (
    "received",
    "answered",
    "on_time",
    "on_time_original",
    "substantive",
    "unanswered",
    "withdrawn",
    "forwarded",
)

# A duty is a recipient's time with a query. The present one stands in the query's own row, those before in past_duty.
DUTY = """
CREATE VIEW duty AS
SELECT id AS query_id, duty AS number, sender, origin, address, recipient, tier, kind, period, due, original_due, taken_at,
       dispatched_at AS received_at, acknowledged_at, closed_at AS ended_at,
       CASE WHEN state IN ('answered', 'withdrawn') THEN state END AS ended_as,
       on_time, on_time_original, outcome
  FROM message WHERE type = 'query' AND dispatched_at IS NOT NULL
UNION ALL
SELECT query_id, number, sender, origin, address, recipient, tier, kind, period, due, original_due, taken_at,
       received_at, acknowledged_at, ended_at, 'forwarded', NULL, NULL, NULL
  FROM past_duty
"""


def upgrade() -> None:
    """Forward only."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _extend_messages()
    _extend_cohorts()
    _create_past_duties()
    _create_closings()
    op.execute(DUTY)


def _extend_messages() -> None:
    for column in (
        sa.Column("original_due", sa.Date(), nullable=True),
        sa.Column("taken_at", MOMENT, nullable=True),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.Column("duty", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("forwards", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("holders", sa.ARRAY(sa.String()), nullable=False, server_default="{}"),
        sa.Column("forward_id", sa.Uuid(), nullable=True),
        sa.Column("proposed_due", sa.Date(), nullable=True),
        sa.Column("reason_code", sa.String(), nullable=True),
        sa.Column("on_time_original", sa.Boolean(), nullable=True),
        sa.Column("timely", sa.Boolean(), nullable=True),
        sa.Column("useful", sa.Boolean(), nullable=True),
        sa.Column("remind_at", MOMENT, nullable=True),
        sa.Column("reminded", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.Column("reminder_batch", sa.Uuid(), nullable=True),
    ):
        op.add_column("message", column)
    op.execute("UPDATE message SET original_due = due, taken_at = arrived_at, on_time_original = on_time")
    for name in ("duty", "forwards", "holders", "reminded"):
        op.alter_column("message", name, server_default=None)
    op.alter_column("message", "taken_at", nullable=False)
    op.alter_column("message", "salt", nullable=True)
    op.drop_index("message_unanswered", "message")
    op.create_index(
        "message_unanswered",
        "message",
        ["address", "dispatched_at", "id"],
        unique=False,
        postgresql_where=sa.text("type = 'query' AND state IN ('dispatched', 'acknowledged', 'partly-answered')"),
        postgresql_ops={"address": "text_pattern_ops"},
    )
    op.create_index(
        "message_of_period",
        "message",
        ["period"],
        unique=False,
        postgresql_where=sa.text("type = 'query' AND dispatched_at IS NOT NULL"),
    )
    op.create_index(
        "message_to_be_reminded",
        "message",
        ["remind_at"],
        unique=False,
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )


def _extend_cohorts() -> None:
    for column in ("on_time_original", "substantive"):
        op.add_column("cohort", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
        op.alter_column("cohort", column, server_default=None)
    op.execute("UPDATE cohort SET on_time_original = on_time")
    op.execute(
        """
        UPDATE cohort AS c SET substantive = counted.substantive FROM (
            SELECT r.role, r.address, m.tier, m.kind, m.period, count(*) AS substantive
              FROM message AS m, LATERAL (VALUES ('recipient', m.address), ('sender', m.origin)) AS r(role, address)
             WHERE m.type = 'query' AND m.state = 'answered' AND m.outcome IN ('confirmed', 'not-confirmed', 'partial')
             GROUP BY 1, 2, 3, 4, 5) AS counted
         WHERE (c.role, c.address, c.tier, c.kind, c.period) = (counted.role, counted.address, counted.tier, counted.kind, counted.period)
        """
    )
    op.drop_constraint("cohort_counts", "cohort")
    op.create_check_constraint(
        "cohort_counts",
        "cohort",
        "least(answered, unanswered, withdrawn, forwarded, on_time_original) >= 0"
        " AND on_time_original <= on_time AND on_time <= answered AND substantive BETWEEN 0 AND answered",
    )


def _create_past_duties() -> None:
    op.create_table(
        "past_duty",
        sa.Column("query_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("original_due", sa.Date(), nullable=True),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("query_id", "number"),
    )
    op.create_index(
        "past_duty_received",
        "past_duty",
        ["address", "received_at"],
        postgresql_ops={"address": "text_pattern_ops"},
    )
    op.create_index(
        "past_duty_sent", "past_duty", ["origin", "received_at"], postgresql_ops={"origin": "text_pattern_ops"}
    )
    op.create_index("past_duty_of_period", "past_duty", ["period"])
    _append_only("past_duty")


def _create_closings() -> None:
    op.create_table(
        "closing",
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("period"),
    )
    op.create_table(
        "closed_cohort",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("role", "address", "tier", "kind", "period")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in COUNTERS),
        sa.ForeignKeyConstraint(["period"], ["closing.period"]),
        sa.PrimaryKeyConstraint("role", "address", "tier", "kind", "period"),
    )
    op.create_index(
        "closed_cohort_by_period",
        "closed_cohort",
        ["role", "period", "address"],
        postgresql_ops={"address": "text_pattern_ops"},
    )
    _append_only("closing")
    _append_only("closed_cohort")


def _append_only(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    """There is no way back; restore a backup instead."""
    raise NotImplementedError("migrations of the ledger go forward only")
