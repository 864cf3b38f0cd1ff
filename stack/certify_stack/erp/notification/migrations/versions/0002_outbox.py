"""The outbox and the inbox of notification."""

from alembic import op

from certify_stack.kit.migrations.messaging import INBOX, INBOX_GONE, OUTBOX, OUTBOX_GONE

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables."""
    for statement in OUTBOX + INBOX:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    for statement in INBOX_GONE + OUTBOX_GONE:
        op.execute(statement)
