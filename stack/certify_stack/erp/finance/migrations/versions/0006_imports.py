"""Imports of invoices: what each file came to, and which row became which invoice."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    """
        CREATE TABLE invoice_import (
            id uuid PRIMARY KEY,
            sha256 text NOT NULL UNIQUE CHECK (char_length(sha256) = 64),
            currency text NOT NULL CHECK (char_length(currency) = 3),
            invoices integer NOT NULL CHECK (invoices > 0),
            net numeric(18, 2) NOT NULL CHECK (net >= 0),
            duty numeric(18, 2) NOT NULL CHECK (duty >= 0),
            vat numeric(18, 2) NOT NULL CHECK (vat >= 0),
            gross numeric(18, 2) NOT NULL CHECK (gross = net + duty + vat),
            recorded_at timestamptz NOT NULL
        )
    """,
    # No foreign key to a read model: that may be made anew.
    """
        CREATE TABLE imported_invoice (
            import_id uuid NOT NULL REFERENCES invoice_import (id) DEFERRABLE INITIALLY DEFERRED,
            line integer NOT NULL CHECK (line > 1),
            reference text NOT NULL UNIQUE CHECK (char_length(reference) BETWEEN 1 AND 60),
            invoice_id uuid NOT NULL,
            PRIMARY KEY (import_id, line)
        )
    """,
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables; the invoices stay."""
    op.drop_table("imported_invoice")
    op.drop_table("invoice_import")
