"""First tables of master-data."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE country (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 2),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX country_newest ON country (created_at DESC, id)",
    """
        CREATE TABLE currency (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 3),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            minor_units integer NOT NULL CHECK (minor_units >= 0),
            country_id uuid REFERENCES country (id),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX currency_newest ON currency (created_at DESC, id)",
    "CREATE INDEX currency_country_id ON currency (country_id)",
    """
        CREATE TABLE unit_of_measure (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 8),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX unit_of_measure_newest ON unit_of_measure (created_at DESC, id)",
    """
        CREATE TABLE product (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            sku text NOT NULL CHECK (char_length(sku) BETWEEN 1 AND 40),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            kind text NOT NULL CHECK (kind IN ('GOOD', 'SERVICE', 'DIGITAL')),
            unit_id uuid NOT NULL REFERENCES unit_of_measure (id),
            list_price numeric(18, 2) NOT NULL CHECK (list_price >= 0),
            vat_rate numeric(18, 2) NOT NULL CHECK (vat_rate >= 0),
            supplier_id uuid,
            active boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (sku)
        )
    """,
    "CREATE INDEX product_newest ON product (created_at DESC, id)",
    "CREATE INDEX product_unit_id ON product (unit_id)",
    "CREATE INDEX product_supplier_id ON product (supplier_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("product")
    op.drop_table("unit_of_measure")
    op.drop_table("currency")
    op.drop_table("country")
