"""The Business Identification Number of a customer."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; nobody's is known yet."""
    op.execute("ALTER TABLE customer ADD COLUMN bin text CHECK (char_length(bin) BETWEEN 1 AND 30)")


def downgrade() -> None:
    """Remove the column."""
    op.execute("ALTER TABLE customer DROP COLUMN bin")
