"""First tables of document-generator."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE document_template (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            code text NOT NULL CHECK (char_length(code) BETWEEN 1 AND 60),
            title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
            output text NOT NULL CHECK (output IN ('PDF', 'HTML', 'CSV')),
            version integer NOT NULL CHECK (version >= 1),
            active boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (code, version)
        )
    """,
    "CREATE INDEX document_template_newest ON document_template (created_at DESC, id)",
    """
        CREATE TABLE document (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            template_id uuid NOT NULL REFERENCES document_template (id),
            customer_id uuid,
            invoice_id uuid,
            requested_by_id uuid NOT NULL,
            file_id uuid,
            status text NOT NULL CHECK (status IN ('REQUESTED', 'READY', 'FAILED')),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX document_newest ON document (created_at DESC, id)",
    "CREATE INDEX document_template_id ON document (template_id)",
    "CREATE INDEX document_customer_id ON document (customer_id)",
    "CREATE INDEX document_invoice_id ON document (invoice_id)",
    "CREATE INDEX document_requested_by_id ON document (requested_by_id)",
    "CREATE INDEX document_file_id ON document (file_id)",
    """
        CREATE TABLE report (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
            template_id uuid NOT NULL REFERENCES document_template (id),
            requested_by_id uuid NOT NULL,
            file_id uuid,
            status text NOT NULL CHECK (status IN ('REQUESTED', 'READY', 'FAILED')),
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX report_newest ON report (created_at DESC, id)",
    "CREATE INDEX report_template_id ON report (template_id)",
    "CREATE INDEX report_requested_by_id ON report (requested_by_id)",
    "CREATE INDEX report_file_id ON report (file_id)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("report")
    op.drop_table("document")
    op.drop_table("document_template")
