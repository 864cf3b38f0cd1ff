"""First tables of hr."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE employee (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            number text NOT NULL CHECK (char_length(number) BETWEEN 1 AND 20),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
            email text NOT NULL CHECK (char_length(email) BETWEEN 1 AND 200),
            hired_on date NOT NULL,
            department_id uuid NOT NULL,
            user_id uuid,
            manager_id uuid REFERENCES employee (id),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (number)
        )
    """,
    "CREATE INDEX employee_newest ON employee (created_at DESC, id)",
    "CREATE INDEX employee_department_id ON employee (department_id)",
    "CREATE INDEX employee_user_id ON employee (user_id)",
    "CREATE INDEX employee_manager_id ON employee (manager_id)",
    """
        CREATE TABLE employment_contract (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            employee_id uuid NOT NULL REFERENCES employee (id),
            monthly_salary numeric(18, 2) NOT NULL CHECK (monthly_salary >= 0),
            currency_id uuid NOT NULL,
            valid_from date NOT NULL,
            valid_until date,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX employment_contract_newest ON employment_contract (created_at DESC, id)",
    "CREATE INDEX employment_contract_employee_id ON employment_contract (employee_id)",
    "CREATE INDEX employment_contract_currency_id ON employment_contract (currency_id)",
    """
        CREATE TABLE absence (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            employee_id uuid NOT NULL REFERENCES employee (id),
            kind text NOT NULL CHECK (kind IN ('HOLIDAY', 'SICKNESS', 'UNPAID')),
            first_day date NOT NULL,
            last_day date NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX absence_newest ON absence (created_at DESC, id)",
    "CREATE INDEX absence_employee_id ON absence (employee_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("absence")
    op.drop_table("employment_contract")
    op.drop_table("employee")
