"""Events of all services become entries of the chain."""

from datetime import UTC

import msgspec

from certify_stack.erp.audit.chain import GENESIS, Entry, digest
from certify_stack.kit.database import Connection
from certify_stack.kit.messages import Envelope

CHAIN_LOCK = 7_301
LONGEST_DETAIL = 8000
LAST = "SELECT sequence, link FROM audit_entry ORDER BY sequence DESC LIMIT 1"
FIELDS = Entry.__struct_fields__
INSERT = (
    f"INSERT INTO audit_entry ({', '.join(FIELDS)}, previous_link, link) "  # noqa: S608 - names of our own struct
    f"VALUES ({', '.join(f'${number}' for number in range(1, len(FIELDS) + 3))})"
)


async def record(connection: Connection, envelope: Envelope) -> None:
    """Add the entry of an event to the end of the chain; who calls sees to it that no event comes twice."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", CHAIN_LOCK)
    last = await connection.fetchrow(LAST)
    previous = last["link"] if last else GENESIS
    entry = entry_of(envelope, last["sequence"] + 1 if last else 1)
    fields = (getattr(entry, name) for name in FIELDS)
    await connection.execute(INSERT, *fields, previous, digest(previous, entry))


def entry_of(envelope: Envelope, sequence: int) -> Entry:
    """Return what the chain keeps of an event."""
    return Entry(
        sequence=sequence,
        event_id=envelope.id,
        service=envelope.service,
        action=envelope.type,
        subject_type=envelope.subjecttype,
        subject_id=envelope.subject,
        actor=envelope.actor,
        # As the database gives it back, because the digest is taken of its text.
        occurred_at=envelope.time.astimezone(UTC),
        trace_id=trace_id_of(envelope.traceparent),
        detail=_detail(envelope),
    )


def trace_id_of(traceparent: str | None) -> str | None:
    """Return the trace's id out of its W3C header."""
    return traceparent.split("-")[1] if traceparent and traceparent.count("-") == 3 else None


def _detail(envelope: Envelope) -> str:
    text = msgspec.json.encode(envelope.data).decode()
    return text if len(text) <= LONGEST_DETAIL else msgspec.json.encode({"omitted_characters": len(text)}).decode()
