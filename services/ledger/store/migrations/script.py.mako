"""${message}.

Revision: ${up_revision}, after ${down_revision}.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision: str = ${repr(up_revision)}
down_revision: str | None = ${repr(down_revision)}
branch_labels: str | Sequence[str] | None = ${repr(branch_labels)}
depends_on: str | Sequence[str] | None = ${repr(depends_on)}


def upgrade() -> None:
    """Forward only: the ledger is append-only, and so is its schema's history."""
    # A migration that waits for a lock makes every statement behind it wait: it gives up instead, and is run again.
    op.execute("SET LOCAL lock_timeout = '5s'")
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """There is no way back; restore a backup instead."""
    raise NotImplementedError("migrations of the ledger go forward only")
