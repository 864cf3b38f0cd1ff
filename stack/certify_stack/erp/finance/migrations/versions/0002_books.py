"""The chart of accounts and bank accounts."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    """
        CREATE TABLE ledger_account (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 20),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            kind text NOT NULL CHECK (kind IN ('ASSET', 'LIABILITY', 'INCOME', 'EXPENSE')),
            position integer NOT NULL CHECK (position >= 0),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code)
        )
    """,
    "CREATE INDEX ledger_account_newest ON ledger_account (created_at DESC, id)",
    """
        CREATE TABLE bank_account (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            number text NOT NULL CHECK (char_length(number) BETWEEN 1 AND 34),
            ledger_account_id uuid NOT NULL REFERENCES ledger_account (id),
            company_id uuid NOT NULL,
            currency_id uuid NOT NULL,
            overdraft_limit numeric(18, 2) NOT NULL CHECK (overdraft_limit >= 0),
            opened_on date,
            active boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (number)
        )
    """,
    "CREATE INDEX bank_account_newest ON bank_account (created_at DESC, id)",
    "CREATE INDEX bank_account_ledger_account_id ON bank_account (ledger_account_id)",
    "CREATE INDEX bank_account_company_id ON bank_account (company_id)",
    "CREATE INDEX bank_account_currency_id ON bank_account (currency_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("bank_account")
    op.drop_table("ledger_account")
