"""First tables of auth."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE app_user (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            username text NOT NULL CHECK (char_length(username) BETWEEN 1 AND 80),
            display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 200),
            role text NOT NULL CHECK (role IN ('admin', 'accountant', 'clerk', 'auditor', 'service')),
            active boolean NOT NULL,
            employee_id uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (username)
        )
    """,
    "CREATE INDEX app_user_newest ON app_user (created_at DESC, id)",
    "CREATE INDEX app_user_employee_id ON app_user (employee_id)",
    """
        CREATE TABLE credential (
            user_id uuid PRIMARY KEY REFERENCES app_user (id),
            salt bytea NOT NULL CHECK (length(salt) >= 16),
            digest bytea NOT NULL CHECK (length(digest) = 32),
            n integer NOT NULL CHECK (n >= 16384),
            r integer NOT NULL CHECK (r >= 8),
            p integer NOT NULL CHECK (p >= 1),
            changed_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    """
        CREATE TABLE login_attempt (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid REFERENCES app_user (id),
            username text NOT NULL CHECK (char_length(username) BETWEEN 1 AND 200),
            outcome text NOT NULL CHECK (outcome IN ('ACCEPTED', 'REFUSED')),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX login_attempt_newest ON login_attempt (created_at DESC, id)",
    "CREATE INDEX login_attempt_user_id ON login_attempt (user_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("login_attempt")
    op.drop_table("credential")
    op.drop_table("app_user")
