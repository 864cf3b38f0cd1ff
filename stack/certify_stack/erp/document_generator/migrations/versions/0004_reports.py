"""Reports that are made: over which period, what became of them, and which of them wait for their turn."""

from alembic import op

revision = "0004"
down_revision = "0003"

STATEMENTS = (
    """
        ALTER TABLE report
            ADD COLUMN first_day date,
            ADD COLUMN last_day date,
            ADD COLUMN currency text CHECK (char_length(currency) BETWEEN 1 AND 3),
            ADD COLUMN sha256 text CHECK (char_length(sha256) BETWEEN 1 AND 64),
            ADD COLUMN trouble text CHECK (char_length(trouble) BETWEEN 1 AND 500),
            ADD CONSTRAINT report_period CHECK (last_day >= first_day)
    """,
    """
        CREATE TABLE report_run (
            report_id uuid PRIMARY KEY REFERENCES report (id) ON DELETE CASCADE,
            actor text NOT NULL,
            traceparent text,
            attempts integer NOT NULL DEFAULT 0,
            next_at timestamptz DEFAULT now()
        )
    """,
    "CREATE INDEX report_run_next_at ON report_run (next_at) WHERE next_at IS NOT NULL",
)
COLUMNS = ("first_day", "last_day", "currency", "sha256", "trouble")


def upgrade() -> None:
    """Add the columns and the table of what waits."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove them."""
    op.drop_table("report_run")
    op.execute("ALTER TABLE report DROP CONSTRAINT report_period")
    for column in COLUMNS:
        op.drop_column("report", column)
