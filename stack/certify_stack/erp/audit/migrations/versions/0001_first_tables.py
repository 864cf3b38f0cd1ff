"""First tables of audit."""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """
        CREATE TABLE audit_entry (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            sequence integer NOT NULL UNIQUE CHECK (sequence > 0),
            event_id uuid NOT NULL UNIQUE,
            service text NOT NULL CHECK (char_length(service) BETWEEN 1 AND 80),
            action text NOT NULL CHECK (char_length(action) BETWEEN 1 AND 120),
            subject_type text NOT NULL CHECK (char_length(subject_type) BETWEEN 1 AND 80),
            subject_id uuid NOT NULL,
            actor text NOT NULL CHECK (char_length(actor) BETWEEN 1 AND 200),
            occurred_at timestamptz NOT NULL,
            trace_id text,
            detail text,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            previous_link text NOT NULL CHECK (char_length(previous_link) = 64),
            link text NOT NULL UNIQUE CHECK (char_length(link) = 64)
        )
    """,
    "CREATE INDEX audit_entry_subject ON audit_entry (subject_id, sequence DESC)",
    """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION 'audit entries are never changed';
        END
        $body$
    """,
    """
        CREATE TRIGGER audit_entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Remove the tables."""
    op.drop_table("audit_entry")
    op.execute("DROP FUNCTION refuse_change()")
