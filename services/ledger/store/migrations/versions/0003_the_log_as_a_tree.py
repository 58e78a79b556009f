"""The log as a Merkle tree: leaf hashes, the tree above them, and the newest checkpoint.

Revision: 0003, after 0002.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from services.ledger.store.faults import UnprovableLogError

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What was appended to a tile stays: only behind its end may more be written.
REFUSE_REWRITING = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.level, NEW.number) <> (OLD.level, OLD.number)
       OR length(NEW.hashes) <= length(OLD.hashes) OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes THEN
        RAISE EXCEPTION 'table % grows at its end only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$
"""

# Two checkpoints of one size with two roots would be two logs.
REFUSE_GOING_BACK = """
CREATE FUNCTION refuse_going_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root) THEN
        RAISE EXCEPTION 'table % never goes back', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    """Forward only. Raises UnprovableLogError where the log has entries already."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _refuse_a_log_that_has_begun()
    op.add_column("entry", sa.Column("leaf_hash", sa.LargeBinary(), nullable=False))
    op.create_check_constraint("entry_leaf_hash", "entry", "octet_length(leaf_hash) = 32")
    op.add_column("cohort", sa.Column("entry", sa.BigInteger(), nullable=False))
    _create_tree_tiles()
    _create_checkpoint()


def _refuse_a_log_that_has_begun() -> None:
    # Its entries went out without their totals, and receipts without their leaves: nothing can be proved of them.
    if op.get_bind().execute(sa.text("SELECT EXISTS (SELECT FROM entry)")).scalar_one():
        raise UnprovableLogError(
            "the log has entries from before it could be proved, and they cannot be proved afterwards; "
            "keep this data as it is, and begin a new log in another data directory"
        )


def _create_tree_tiles() -> None:
    op.create_table(
        "tree_tile",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("level >= 1 AND number >= 0", name="tree_tile_place"),
        sa.CheckConstraint(
            "octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0", name="tree_tile_hashes"
        ),
        sa.PrimaryKeyConstraint("level", "number"),
    )
    # Hashes cannot be compressed; it would be tried each time that a tile grows.
    op.execute("ALTER TABLE tree_tile ALTER COLUMN hashes SET STORAGE EXTERNAL")
    op.execute(REFUSE_REWRITING)
    op.execute(
        "CREATE TRIGGER grows_at_its_end BEFORE UPDATE ON tree_tile FOR EACH ROW EXECUTE FUNCTION refuse_rewriting()"
    )
    op.execute("CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON tree_tile EXECUTE FUNCTION refuse_change()")


def _create_checkpoint() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("single", sa.Boolean(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("signatures", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("single", name="checkpoint_is_one_row"),
        sa.CheckConstraint("octet_length(root) = 32", name="checkpoint_root"),
        sa.PrimaryKeyConstraint("single"),
    )
    op.execute(REFUSE_GOING_BACK)
    op.execute(
        "CREATE TRIGGER never_back BEFORE UPDATE ON checkpoint FOR EACH ROW EXECUTE FUNCTION refuse_going_back()"
    )
    op.execute("CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON checkpoint EXECUTE FUNCTION refuse_change()")


def downgrade() -> None:
    """There is no way back; restore a backup instead."""
    raise NotImplementedError("migrations of the ledger go forward only")
