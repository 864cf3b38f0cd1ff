"""Tax invoices by form Mushak-6.3, and their numbers: one series for each supplier and fiscal year."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
        CREATE TABLE mushak_series (
            supplier_bin text NOT NULL CHECK (char_length(supplier_bin) BETWEEN 1 AND 30),
            fiscal_year text NOT NULL CHECK (char_length(fiscal_year) = 7),
            last integer NOT NULL CHECK (last > 0),
            PRIMARY KEY (supplier_bin, fiscal_year)
        )
    """,
    """
        CREATE TABLE tax_invoice_form (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            invoice_id uuid NOT NULL UNIQUE,
            supplier_bin text NOT NULL,
            fiscal_year text NOT NULL,
            serial integer NOT NULL CHECK (serial > 0),
            issued_at timestamptz NOT NULL,
            form jsonb NOT NULL,
            UNIQUE (supplier_bin, fiscal_year, serial),
            FOREIGN KEY (supplier_bin, fiscal_year) REFERENCES mushak_series (supplier_bin, fiscal_year)
        )
    """,
    "CREATE INDEX tax_invoice_form_newest ON tax_invoice_form (issued_at DESC, id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("tax_invoice_form")
    op.drop_table("mushak_series")
