"""What is in stored files: each content once, under its digest, in parts of bounded size."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
        CREATE TABLE content (
            id uuid PRIMARY KEY,
            sha256 text NOT NULL UNIQUE CHECK (char_length(sha256) = 64),
            size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
            stored_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    # The parts come first: only the end of a stream tells its digest.
    """
        CREATE TABLE content_part (
            content_id uuid NOT NULL REFERENCES content (id) DEFERRABLE INITIALLY DEFERRED,
            number integer NOT NULL CHECK (number >= 0),
            data bytea NOT NULL,
            PRIMARY KEY (content_id, number)
        )
    """,
    "ALTER TABLE content_part ALTER COLUMN data SET STORAGE EXTERNAL",
    "CREATE INDEX stored_file_sha256 ON stored_file (sha256)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables, and with them what is in the files."""
    op.execute("DROP INDEX stored_file_sha256")
    op.drop_table("content_part")
    op.drop_table("content")
