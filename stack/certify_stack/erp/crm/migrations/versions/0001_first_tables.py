"""First tables of crm."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE customer (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            email text NOT NULL CHECK (char_length(email) BETWEEN 1 AND 200),
            phone text CHECK (char_length(phone) BETWEEN 1 AND 30),
            tax_number text CHECK (char_length(tax_number) BETWEEN 1 AND 30),
            status text NOT NULL CHECK (status IN ('PROSPECT', 'ACTIVE', 'BLOCKED')),
            credit_limit numeric(18, 2) NOT NULL CHECK (credit_limit >= 0),
            currency_id uuid NOT NULL,
            country_id uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX customer_newest ON customer (created_at DESC, id)",
    "CREATE INDEX customer_currency_id ON customer (currency_id)",
    "CREATE INDEX customer_country_id ON customer (country_id)",
    """
        CREATE TABLE contact (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            customer_id uuid NOT NULL REFERENCES customer (id),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            email text NOT NULL CHECK (char_length(email) BETWEEN 1 AND 200),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX contact_newest ON contact (created_at DESC, id)",
    "CREATE INDEX contact_customer_id ON contact (customer_id)",
    """
        CREATE TABLE opportunity (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            customer_id uuid NOT NULL REFERENCES customer (id),
            title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
            stage text NOT NULL CHECK (stage IN ('QUALIFIED', 'PROPOSED', 'WON', 'LOST')),
            expected_amount numeric(18, 2) NOT NULL CHECK (expected_amount >= 0),
            expected_on date,
            owner_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX opportunity_newest ON opportunity (created_at DESC, id)",
    "CREATE INDEX opportunity_customer_id ON opportunity (customer_id)",
    "CREATE INDEX opportunity_owner_id ON opportunity (owner_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("opportunity")
    op.drop_table("contact")
    op.drop_table("customer")
