"""First tables of project-management."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE project (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 20),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            status text NOT NULL CHECK (status IN ('PLANNED', 'RUNNING', 'CLOSED')),
            customer_id uuid,
            manager_id uuid NOT NULL,
            budget numeric(18, 2) NOT NULL CHECK (budget >= 0),
            due_on date,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX project_newest ON project (created_at DESC, id)",
    "CREATE INDEX project_customer_id ON project (customer_id)",
    "CREATE INDEX project_manager_id ON project (manager_id)",
    """
        CREATE TABLE project_task (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            project_id uuid NOT NULL REFERENCES project (id),
            title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
            status text NOT NULL CHECK (status IN ('TO_DO', 'DOING', 'DONE')),
            assignee_id uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX project_task_newest ON project_task (created_at DESC, id)",
    "CREATE INDEX project_task_project_id ON project_task (project_id)",
    "CREATE INDEX project_task_assignee_id ON project_task (assignee_id)",
    """
        CREATE TABLE time_entry (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            task_id uuid NOT NULL REFERENCES project_task (id),
            employee_id uuid NOT NULL,
            invoice_id uuid,
            worked_on date NOT NULL,
            hours numeric(18, 2) NOT NULL CHECK (hours >= 0),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX time_entry_newest ON time_entry (created_at DESC, id)",
    "CREATE INDEX time_entry_task_id ON time_entry (task_id)",
    "CREATE INDEX time_entry_employee_id ON time_entry (employee_id)",
    "CREATE INDEX time_entry_invoice_id ON time_entry (invoice_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("time_entry")
    op.drop_table("project_task")
    op.drop_table("project")
