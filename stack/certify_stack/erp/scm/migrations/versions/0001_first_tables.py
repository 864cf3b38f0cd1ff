"""First tables of scm."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE supplier (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            email text NOT NULL CHECK (char_length(email) BETWEEN 1 AND 200),
            country_id uuid NOT NULL,
            currency_id uuid NOT NULL,
            lead_days integer NOT NULL CHECK (lead_days >= 0),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX supplier_newest ON supplier (created_at DESC, id)",
    "CREATE INDEX supplier_country_id ON supplier (country_id)",
    "CREATE INDEX supplier_currency_id ON supplier (currency_id)",
    """
        CREATE TABLE purchase_order (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            number text NOT NULL CHECK (char_length(number) BETWEEN 1 AND 30),
            supplier_id uuid NOT NULL REFERENCES supplier (id),
            ordered_by_id uuid NOT NULL,
            status text NOT NULL CHECK (status IN ('DRAFT', 'ORDERED', 'RECEIVED', 'CANCELLED')),
            ordered_on date NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (number)
        )
    """,
    "CREATE INDEX purchase_order_newest ON purchase_order (created_at DESC, id)",
    "CREATE INDEX purchase_order_supplier_id ON purchase_order (supplier_id)",
    "CREATE INDEX purchase_order_ordered_by_id ON purchase_order (ordered_by_id)",
    """
        CREATE TABLE purchase_order_line (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            purchase_order_id uuid NOT NULL REFERENCES purchase_order (id),
            product_id uuid NOT NULL,
            quantity numeric(18, 3) NOT NULL CHECK (quantity >= 0),
            unit_price numeric(18, 2) NOT NULL CHECK (unit_price >= 0),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX purchase_order_line_newest ON purchase_order_line (created_at DESC, id)",
    "CREATE INDEX purchase_order_line_purchase_order_id ON purchase_order_line (purchase_order_id)",
    "CREATE INDEX purchase_order_line_product_id ON purchase_order_line (product_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("purchase_order_line")
    op.drop_table("purchase_order")
    op.drop_table("supplier")
