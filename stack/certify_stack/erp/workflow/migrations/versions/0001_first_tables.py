"""First tables of workflow."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE workflow_definition (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 60),
            steps integer NOT NULL CHECK (steps >= 1),
            active boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX workflow_definition_newest ON workflow_definition (created_at DESC, id)",
    """
        CREATE TABLE workflow_case (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            definition_id uuid NOT NULL REFERENCES workflow_definition (id),
            subject text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 200),
            started_by_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('OPEN', 'APPROVED', 'REJECTED')),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX workflow_case_newest ON workflow_case (created_at DESC, id)",
    "CREATE INDEX workflow_case_definition_id ON workflow_case (definition_id)",
    "CREATE INDEX workflow_case_started_by_id ON workflow_case (started_by_id)",
    """
        CREATE TABLE workflow_task (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            case_id uuid NOT NULL REFERENCES workflow_case (id),
            assignee_id uuid NOT NULL,
            step integer NOT NULL CHECK (step >= 1),
            state text NOT NULL CHECK (state IN ('OPEN', 'APPROVED', 'REJECTED')),
            decided_at timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX workflow_task_newest ON workflow_task (created_at DESC, id)",
    "CREATE INDEX workflow_task_case_id ON workflow_task (case_id)",
    "CREATE INDEX workflow_task_assignee_id ON workflow_task (assignee_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("workflow_task")
    op.drop_table("workflow_case")
    op.drop_table("workflow_definition")
