"""What is known of the way of a message to its carrier."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
        CREATE TABLE delivery (
            message_id uuid PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
            channel text NOT NULL CHECK (channel IN ('EMAIL', 'SMS')),
            subject text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 200),
            traceparent text,
            attempts integer NOT NULL DEFAULT 0,
            next_at timestamptz DEFAULT now(),
            trouble text
        )
    """,
    "CREATE INDEX delivery_due ON delivery (next_at) WHERE next_at IS NOT NULL",
)


def upgrade() -> None:
    """Create the table."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("delivery")
