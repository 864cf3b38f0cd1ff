"""The outbox of inventory."""

from alembic import op

from certify_stack.kit.migrations.messaging import OUTBOX, OUTBOX_GONE

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    for statement in OUTBOX:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    for statement in OUTBOX_GONE:
        op.execute(statement)
