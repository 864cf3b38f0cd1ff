"""First tables of finance: the event store, the read models and the outbox."""

from alembic import op

revision = "0001"
down_revision = None

EVENTS = (
    """
        CREATE TABLE events (
            position bigint PRIMARY KEY CHECK (position > 0),
            event_id uuid NOT NULL UNIQUE,
            stream_type text NOT NULL CHECK (stream_type IN ('Invoice', 'Payment')),
            stream_id uuid NOT NULL,
            stream_version integer NOT NULL CHECK (stream_version > 0),
            type text NOT NULL CHECK (char_length(type) BETWEEN 1 AND 80),
            type_version integer NOT NULL CHECK (type_version > 0),
            data jsonb NOT NULL,
            metadata jsonb NOT NULL,
            recorded_at timestamptz NOT NULL,
            CONSTRAINT events_stream_version UNIQUE (stream_id, stream_version)
        )
    """,
    """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION 'events are never changed';
        END
        $body$
    """,
    """
        CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
    "CREATE SEQUENCE invoice_number AS integer",
)

VIEWS = (
    """
        CREATE TABLE invoice_view (
            id uuid PRIMARY KEY,
            number text NOT NULL UNIQUE,
            customer_id uuid NOT NULL,
            currency text NOT NULL CHECK (char_length(currency) = 3),
            status text NOT NULL CHECK (status IN ('DRAFT', 'ISSUED', 'PARTLY_PAID', 'PAID')),
            net numeric(18, 2) NOT NULL CHECK (net >= 0),
            vat numeric(18, 2) NOT NULL CHECK (vat >= 0),
            gross numeric(18, 2) NOT NULL CHECK (gross = net + vat),
            paid numeric(18, 2) NOT NULL CHECK (paid BETWEEN 0 AND gross),
            due_on date,
            created_at timestamptz NOT NULL,
            issued_at timestamptz,
            updated_at timestamptz NOT NULL,
            version integer NOT NULL CHECK (version > 0)
        )
    """,
    "CREATE INDEX invoice_view_newest ON invoice_view (created_at DESC, id)",
    "CREATE INDEX invoice_view_customer_id ON invoice_view (customer_id)",
    """
        CREATE TABLE invoice_line_view (
            invoice_id uuid NOT NULL REFERENCES invoice_view (id),
            line_number integer NOT NULL CHECK (line_number > 0),
            product_id uuid NOT NULL,
            description text NOT NULL,
            quantity numeric(18, 3) NOT NULL CHECK (quantity > 0),
            unit_price numeric(18, 2) NOT NULL CHECK (unit_price >= 0),
            vat_rate numeric(5, 2) NOT NULL CHECK (vat_rate >= 0),
            net numeric(18, 2) NOT NULL,
            vat numeric(18, 2) NOT NULL,
            PRIMARY KEY (invoice_id, line_number)
        )
    """,
    "CREATE INDEX invoice_line_view_product_id ON invoice_line_view (product_id)",
    """
        CREATE TABLE payment_view (
            id uuid PRIMARY KEY,
            invoice_id uuid NOT NULL REFERENCES invoice_view (id),
            customer_id uuid NOT NULL,
            currency text NOT NULL CHECK (char_length(currency) = 3),
            amount numeric(18, 2) NOT NULL CHECK (amount > 0),
            idempotency_key text NOT NULL UNIQUE CHECK (char_length(idempotency_key) BETWEEN 1 AND 120),
            received_at timestamptz NOT NULL
        )
    """,
    "CREATE INDEX payment_view_newest ON payment_view (received_at DESC, id)",
    "CREATE INDEX payment_view_invoice_id ON payment_view (invoice_id)",
    "CREATE INDEX payment_view_customer_id ON payment_view (customer_id)",
    """
        CREATE TABLE account_balance (
            customer_id uuid NOT NULL,
            currency text NOT NULL CHECK (char_length(currency) = 3),
            invoiced numeric(18, 2) NOT NULL,
            paid numeric(18, 2) NOT NULL,
            balance numeric(18, 2) NOT NULL CHECK (balance = invoiced - paid),
            updated_at timestamptz NOT NULL,
            PRIMARY KEY (customer_id, currency)
        )
    """,
    "CREATE TABLE projection_checkpoint (position bigint NOT NULL)",
    "INSERT INTO projection_checkpoint VALUES (0)",
    """
        CREATE TABLE outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            event_id uuid NOT NULL UNIQUE REFERENCES events (event_id),
            payload jsonb NOT NULL,
            headers jsonb NOT NULL,
            sent_at timestamptz
        )
    """,
    "CREATE INDEX outbox_waiting ON outbox (id) WHERE sent_at IS NULL",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in EVENTS + VIEWS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    for table in (
        "outbox",
        "projection_checkpoint",
        "account_balance",
        "payment_view",
        "invoice_line_view",
        "invoice_view",
        "events",
    ):
        op.drop_table(table)
    op.execute("DROP SEQUENCE invoice_number")
    op.execute("DROP FUNCTION refuse_change()")
