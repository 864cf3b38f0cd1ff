"""Invoices know supplementary duty, discounts, how a line is taxed, and whether prices include tax."""

from alembic import op

revision = "0004"
down_revision = "0003"

UP = (
    """
        ALTER TABLE invoice_view
            ADD COLUMN prices_include_tax boolean NOT NULL DEFAULT false,
            ADD COLUMN discount numeric(18, 2) NOT NULL DEFAULT 0 CHECK (discount >= 0),
            ADD COLUMN duty numeric(18, 2) NOT NULL DEFAULT 0 CHECK (duty >= 0),
            DROP CONSTRAINT invoice_view_check,
            ADD CONSTRAINT invoice_view_gross CHECK (gross = net + duty + vat)
    """,
    """
        ALTER TABLE invoice_line_view
            ADD COLUMN treatment text NOT NULL DEFAULT 'TAXABLE'
                CHECK (treatment IN ('TAXABLE', 'ZERO_RATED', 'EXEMPT')),
            ADD COLUMN duty_rate numeric(5, 2) NOT NULL DEFAULT 0 CHECK (duty_rate >= 0),
            ADD COLUMN discount numeric(18, 2) NOT NULL DEFAULT 0 CHECK (discount >= 0),
            ADD COLUMN duty numeric(18, 2) NOT NULL DEFAULT 0 CHECK (duty >= 0)
    """,
    "UPDATE invoice_line_view SET treatment = 'ZERO_RATED' WHERE vat_rate = 0",
    "ALTER TABLE invoice_line_view ADD CHECK (treatment = 'TAXABLE' OR (vat_rate = 0 AND vat = 0))",
)
DOWN = (
    # An invoice with duty cannot be told without its column: it goes into the net amount, and gross stays what it was.
    "ALTER TABLE invoice_view DROP CONSTRAINT invoice_view_gross",
    "UPDATE invoice_view SET net = net + duty",
    "ALTER TABLE invoice_view DROP COLUMN duty, DROP COLUMN discount, DROP COLUMN prices_include_tax",
    "ALTER TABLE invoice_view ADD CONSTRAINT invoice_view_check CHECK (gross = net + vat)",
    """
        ALTER TABLE invoice_line_view
            DROP COLUMN treatment, DROP COLUMN duty_rate, DROP COLUMN discount, DROP COLUMN duty
    """,
)


def upgrade() -> None:
    """Add the columns; what was there had none of it."""
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    """Remove the columns."""
    for statement in DOWN:
        op.execute(statement)
