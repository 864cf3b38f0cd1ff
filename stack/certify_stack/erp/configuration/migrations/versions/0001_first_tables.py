"""First tables of configuration."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE setting (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
            value_type text NOT NULL CHECK (value_type IN ('TEXT', 'NUMBER', 'FLAG')),
            value text NOT NULL CHECK (char_length(value) BETWEEN 1 AND 2000),
            company_id uuid,
            changed_by_id uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE NULLS NOT DISTINCT (name, company_id)
        )
    """,
    "CREATE INDEX setting_newest ON setting (created_at DESC, id)",
    "CREATE INDEX setting_company_id ON setting (company_id)",
    "CREATE INDEX setting_changed_by_id ON setting (changed_by_id)",
    """
        CREATE TABLE feature_flag (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
            enabled boolean NOT NULL,
            rollout_percent integer NOT NULL CHECK (rollout_percent >= 0),
            company_id uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE NULLS NOT DISTINCT (name, company_id)
        )
    """,
    "CREATE INDEX feature_flag_newest ON feature_flag (created_at DESC, id)",
    "CREATE INDEX feature_flag_company_id ON feature_flag (company_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("feature_flag")
    op.drop_table("setting")
