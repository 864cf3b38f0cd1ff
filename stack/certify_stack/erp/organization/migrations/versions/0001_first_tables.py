"""First tables of organization."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE company (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            tax_number text NOT NULL CHECK (char_length(tax_number) BETWEEN 1 AND 30),
            country_id uuid NOT NULL,
            currency_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX company_newest ON company (created_at DESC, id)",
    "CREATE INDEX company_country_id ON company (country_id)",
    "CREATE INDEX company_currency_id ON company (currency_id)",
    """
        CREATE TABLE branch (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 20),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            city text NOT NULL CHECK (char_length(city) BETWEEN 1 AND 200),
            company_id uuid NOT NULL REFERENCES company (id),
            country_id uuid NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX branch_newest ON branch (created_at DESC, id)",
    "CREATE INDEX branch_company_id ON branch (company_id)",
    "CREATE INDEX branch_country_id ON branch (country_id)",
    """
        CREATE TABLE department (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            company_id uuid NOT NULL REFERENCES company (id),
            head_id uuid,
            budget numeric(18, 2) NOT NULL CHECK (budget >= 0),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX department_newest ON department (created_at DESC, id)",
    "CREATE INDEX department_company_id ON department (company_id)",
    "CREATE INDEX department_head_id ON department (head_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("department")
    op.drop_table("branch")
    op.drop_table("company")
