"""The outbox of finance takes the shape that it has in every service; what waits in the old one is taken over."""

from alembic import op

from certify_stack.kit.migrations.messaging import OUTBOX, OUTBOX_GONE

revision = "0003"
down_revision = "0002"

TAKE_OVER = """
    INSERT INTO outbox (event_id, key, envelope, created_at, sent_at)
    SELECT old.event_id, payload->>'subject', jsonb_strip_nulls(jsonb_build_object(
            'specversion', '1.0',
            'id', old.event_id,
            'source', 'urn:erp:finance',
            'type', payload->>'action',
            'typeversion', events.type_version,
            'subject', payload->>'subject',
            'subjecttype', payload->>'subjectType',
            'time', payload->>'occurredAt',
            'actor', payload->>'actor',
            'correlationid', coalesce(payload->>'traceId', old.event_id::text),
            'traceparent', headers->>'traceparent'
        )) || jsonb_build_object('data', events.data), events.recorded_at, old.sent_at
    FROM old_outbox AS old JOIN events USING (event_id) ORDER BY old.id
"""
OLD = """
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id uuid NOT NULL UNIQUE REFERENCES events (event_id),
        payload jsonb NOT NULL,
        headers jsonb NOT NULL,
        sent_at timestamptz
    )
"""


def upgrade() -> None:
    """Make the new table beside the old one, copy, and remove the old one."""
    op.execute("ALTER TABLE outbox RENAME TO old_outbox")
    # Names of constraints belong to the schema, and the new table wants its own.
    op.execute("ALTER TABLE old_outbox DROP CONSTRAINT outbox_event_id_key")
    op.execute("ALTER TABLE old_outbox DROP CONSTRAINT outbox_pkey")
    op.execute("ALTER SEQUENCE outbox_id_seq RENAME TO old_outbox_id_seq")
    for statement in OUTBOX:
        op.execute(statement)
    op.execute(TAKE_OVER)
    op.execute("DROP TABLE old_outbox")


def downgrade() -> None:
    """Make the old table again; what waits is lost, for audit would no longer understand it."""
    for statement in OUTBOX_GONE:
        op.execute(statement)
    op.execute(OLD)
    op.execute("CREATE INDEX outbox_waiting ON outbox (id) WHERE sent_at IS NULL")
