"""Log-ins that are renewed and ended."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
        CREATE TABLE session (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL REFERENCES app_user (id),
            started_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            ended_at timestamptz,
            ended_by text CHECK (ended_by IN ('LOG_OUT', 'REUSE', 'PASSWORD', 'ADMIN')),
            CHECK ((ended_at IS NULL) = (ended_by IS NULL))
        )
    """,
    "CREATE INDEX session_user_id ON session (user_id, expires_at)",
    """
        CREATE TABLE refresh_token (
            digest bytea PRIMARY KEY CHECK (length(digest) = 32),
            session_id uuid NOT NULL REFERENCES session (id) ON DELETE CASCADE,
            made_at timestamptz NOT NULL DEFAULT now(),
            used_at timestamptz
        )
    """,
    "CREATE INDEX refresh_token_session_id ON refresh_token (session_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("refresh_token")
    op.drop_table("session")
