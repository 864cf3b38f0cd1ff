"""First tables of rules-engine."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE rule_set (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 60),
            company_id uuid,
            active boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX rule_set_newest ON rule_set (created_at DESC, id)",
    "CREATE INDEX rule_set_company_id ON rule_set (company_id)",
    """
        CREATE TABLE rule (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            rule_set_id uuid NOT NULL REFERENCES rule_set (id),
            position integer NOT NULL CHECK (position >= 1),
            condition text NOT NULL CHECK (char_length(condition) BETWEEN 1 AND 1000),
            action text NOT NULL CHECK (action IN ('ALLOW', 'REVIEW', 'DENY')),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (rule_set_id, position)
        )
    """,
    "CREATE INDEX rule_newest ON rule (created_at DESC, id)",
    "CREATE INDEX rule_rule_set_id ON rule (rule_set_id)",
    """
        CREATE TABLE rule_decision (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            rule_id uuid NOT NULL REFERENCES rule (id),
            subject text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 200),
            action text NOT NULL CHECK (action IN ('ALLOW', 'REVIEW', 'DENY')),
            asked_by_id uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX rule_decision_newest ON rule_decision (created_at DESC, id)",
    "CREATE INDEX rule_decision_rule_id ON rule_decision (rule_id)",
    "CREATE INDEX rule_decision_asked_by_id ON rule_decision (asked_by_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("rule_decision")
    op.drop_table("rule")
    op.drop_table("rule_set")
