"""First tables of file-storage."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE folder (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            parent_id uuid REFERENCES folder (id),
            owner_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX folder_newest ON folder (created_at DESC, id)",
    "CREATE INDEX folder_parent_id ON folder (parent_id)",
    "CREATE INDEX folder_owner_id ON folder (owner_id)",
    """
        CREATE TABLE stored_file (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            folder_id uuid NOT NULL REFERENCES folder (id),
            media_type text NOT NULL CHECK (char_length(media_type) BETWEEN 1 AND 100),
            size_bytes integer NOT NULL CHECK (size_bytes >= 0),
            sha256 text NOT NULL CHECK (char_length(sha256) BETWEEN 1 AND 64),
            owner_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX stored_file_newest ON stored_file (created_at DESC, id)",
    "CREATE INDEX stored_file_folder_id ON stored_file (folder_id)",
    "CREATE INDEX stored_file_owner_id ON stored_file (owner_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("stored_file")
    op.drop_table("folder")
