"""Imports that run: what they read, what it came to, and which of them wait for their turn."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
        ALTER TABLE import_job
            ADD COLUMN file_name text CHECK (char_length(file_name) BETWEEN 1 AND 200),
            ADD COLUMN sha256 text CHECK (char_length(sha256) = 64),
            ADD COLUMN rows_total integer NOT NULL DEFAULT 0 CHECK (rows_total >= 0),
            ADD COLUMN currency text CHECK (char_length(currency) BETWEEN 1 AND 3),
            ADD COLUMN net numeric(18, 2) CHECK (net >= 0),
            ADD COLUMN duty numeric(18, 2) CHECK (duty >= 0),
            ADD COLUMN vat numeric(18, 2) CHECK (vat >= 0),
            ADD COLUMN gross numeric(18, 2) CHECK (gross >= 0),
            ADD COLUMN trouble text CHECK (char_length(trouble) BETWEEN 1 AND 500)
    """,
    # The same content has one effect; what failed may be tried again.
    "CREATE UNIQUE INDEX import_job_one_effect ON import_job (sha256) WHERE state <> 'FAILED'",
    """
        CREATE TABLE import_run (
            job_id uuid PRIMARY KEY REFERENCES import_job (id) ON DELETE CASCADE,
            actor text NOT NULL,
            traceparent text,
            attempts integer NOT NULL DEFAULT 0,
            next_at timestamptz DEFAULT now()
        )
    """,
    "CREATE INDEX import_run_next_at ON import_run (next_at) WHERE next_at IS NOT NULL",
)
COLUMNS = ("file_name", "sha256", "rows_total", "currency", "net", "duty", "vat", "gross", "trouble")


def upgrade() -> None:
    """Add the columns and the table of what waits."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    op.drop_table("import_run")
    op.execute("DROP INDEX import_job_one_effect")
    for column in COLUMNS:
        op.drop_column("import_job", column)
