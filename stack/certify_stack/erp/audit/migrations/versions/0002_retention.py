"""Retention rules and findings."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
        CREATE TABLE retention_rule (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            subject_type text NOT NULL CHECK (char_length(subject_type) BETWEEN 1 AND 80),
            keep_days integer NOT NULL CHECK (keep_days >= 1),
            legal_hold boolean NOT NULL,
            set_by_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (subject_type)
        )
    """,
    "CREATE INDEX retention_rule_newest ON retention_rule (created_at DESC, id)",
    "CREATE INDEX retention_rule_set_by_id ON retention_rule (set_by_id)",
    """
        CREATE TABLE audit_finding (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
            state text NOT NULL CHECK (state IN ('OPEN', 'ANSWERED', 'CLOSED')),
            retention_rule_id uuid REFERENCES retention_rule (id),
            auditor_id uuid NOT NULL,
            amount numeric(18, 2) CHECK (amount >= 0),
            answer_by date,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX audit_finding_newest ON audit_finding (created_at DESC, id)",
    "CREATE INDEX audit_finding_retention_rule_id ON audit_finding (retention_rule_id)",
    "CREATE INDEX audit_finding_auditor_id ON audit_finding (auditor_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("audit_finding")
    op.drop_table("retention_rule")
