"""First tables of import-export."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE import_job (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            target text NOT NULL CHECK (char_length(target) BETWEEN 1 AND 80),
            file_id uuid NOT NULL,
            requested_by_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('PENDING', 'RUNNING', 'DONE', 'FAILED')),
            rows_read integer NOT NULL CHECK (rows_read >= 0),
            rows_refused integer NOT NULL CHECK (rows_refused >= 0),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX import_job_newest ON import_job (created_at DESC, id)",
    "CREATE INDEX import_job_file_id ON import_job (file_id)",
    "CREATE INDEX import_job_requested_by_id ON import_job (requested_by_id)",
    """
        CREATE TABLE row_refusal (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            import_job_id uuid NOT NULL REFERENCES import_job (id),
            row_number integer NOT NULL CHECK (row_number >= 1),
            reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (import_job_id, row_number)
        )
    """,
    "CREATE INDEX row_refusal_newest ON row_refusal (created_at DESC, id)",
    "CREATE INDEX row_refusal_import_job_id ON row_refusal (import_job_id)",
    """
        CREATE TABLE export_job (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            source text NOT NULL CHECK (char_length(source) BETWEEN 1 AND 80),
            file_id uuid,
            requested_by_id uuid NOT NULL,
            state text NOT NULL CHECK (state IN ('PENDING', 'RUNNING', 'DONE', 'FAILED')),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX export_job_newest ON export_job (created_at DESC, id)",
    "CREATE INDEX export_job_file_id ON export_job (file_id)",
    "CREATE INDEX export_job_requested_by_id ON export_job (requested_by_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("export_job")
    op.drop_table("row_refusal")
    op.drop_table("import_job")
