"""First tables of scheduler."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE job (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
            schedule text NOT NULL CHECK (char_length(schedule) BETWEEN 1 AND 80),
            target text NOT NULL CHECK (char_length(target) BETWEEN 1 AND 80),
            owner_id uuid NOT NULL,
            enabled boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (name)
        )
    """,
    "CREATE INDEX job_newest ON job (created_at DESC, id)",
    "CREATE INDEX job_owner_id ON job (owner_id)",
    """
        CREATE TABLE job_run (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            job_id uuid NOT NULL REFERENCES job (id),
            outcome text NOT NULL CHECK (outcome IN ('RUNNING', 'SUCCEEDED', 'FAILED')),
            started_at timestamptz NOT NULL,
            finished_at timestamptz,
            attempt integer NOT NULL CHECK (attempt >= 1),
            detail text CHECK (char_length(detail) BETWEEN 1 AND 2000),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX job_run_newest ON job_run (created_at DESC, id)",
    "CREATE INDEX job_run_job_id ON job_run (job_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("job_run")
    op.drop_table("job")
