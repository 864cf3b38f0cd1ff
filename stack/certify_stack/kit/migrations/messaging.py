"""Tables of messaging, the same in each service. Revisions use these texts, so a change is a new text, never an edit."""

OUTBOX = (
    """
        CREATE TABLE outbox (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            event_id uuid NOT NULL UNIQUE,
            key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 200),
            envelope jsonb NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            sent_at timestamptz
        )
    """,
    "CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL",
    """
        CREATE FUNCTION tell_relay() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            PERFORM pg_notify('outbox', '');
            RETURN NULL;
        END
        $body$
    """,
    # Told by the database itself, when the transaction commits: no writer can forget it.
    """
        CREATE TRIGGER outbox_tells_relay AFTER INSERT ON outbox
        FOR EACH STATEMENT EXECUTE FUNCTION tell_relay()
    """,
)
OUTBOX_GONE = ("DROP TABLE outbox", "DROP FUNCTION tell_relay()")

INBOX = (
    """
        CREATE TABLE inbox (
            event_id uuid PRIMARY KEY,
            topic text NOT NULL,
            position bigint NOT NULL CHECK (position >= 0),
            received_at timestamptz NOT NULL DEFAULT now()
        )
    """,
    "CREATE INDEX inbox_received_at ON inbox (received_at)",
)
INBOX_GONE = ("DROP TABLE inbox",)
