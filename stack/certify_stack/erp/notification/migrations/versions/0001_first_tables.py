"""First tables of notification."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE message_template (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 60),
            channel text NOT NULL CHECK (channel IN ('EMAIL', 'SMS', 'IN_APP')),
            subject text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 200),
            body text NOT NULL CHECK (char_length(body) BETWEEN 1 AND 4000),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX message_template_newest ON message_template (created_at DESC, id)",
    """
        CREATE TABLE message (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            template_id uuid REFERENCES message_template (id),
            customer_id uuid,
            user_id uuid,
            address text NOT NULL CHECK (char_length(address) BETWEEN 1 AND 200),
            state text NOT NULL CHECK (state IN ('QUEUED', 'SENT', 'FAILED')),
            body text NOT NULL CHECK (char_length(body) BETWEEN 1 AND 4000),
            sent_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX message_newest ON message (created_at DESC, id)",
    "CREATE INDEX message_template_id ON message (template_id)",
    "CREATE INDEX message_customer_id ON message (customer_id)",
    "CREATE INDEX message_user_id ON message (user_id)",
    """
        CREATE TABLE subscription (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL,
            topic text NOT NULL CHECK (char_length(topic) BETWEEN 1 AND 80),
            channel text NOT NULL CHECK (channel IN ('EMAIL', 'SMS', 'IN_APP')),
            active boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (user_id, topic, channel)
        )
    """,
    "CREATE INDEX subscription_newest ON subscription (created_at DESC, id)",
    "CREATE INDEX subscription_user_id ON subscription (user_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("subscription")
    op.drop_table("message")
    op.drop_table("message_template")
