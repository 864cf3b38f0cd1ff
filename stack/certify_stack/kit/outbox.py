"""The outbox: events are written in the transaction that makes them true, and sent by the relay after it."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from opentelemetry import trace

from certify_stack.kit.database import Connection
from certify_stack.kit.messages import SOURCE, Envelope
from certify_stack.kit.model import Entity
from certify_stack.kit.tracing import outgoing

INSERT = "INSERT INTO outbox (event_id, key, envelope) VALUES ($1, $2, $3::jsonb)"

_cause: ContextVar[Envelope | None] = ContextVar("cause", default=None)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a command did; see ``Envelope`` for the words."""

    type: str
    subject: UUID
    subject_type: str
    data: Any
    version: int = 1
    id: UUID = msgspec.field(default_factory=uuid4)
    time: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))


async def record(connection: Connection, service: str, actor: str, events: Iterable[Event]) -> None:
    """Write events into the outbox; call it in the transaction of the change, after the change itself.

    After, because the change has locked its rows by then: so the order in the outbox is that of the changes.
    """
    for event in events:
        envelope = envelope_of(service, actor, event)
        await connection.execute(INSERT, event.id, str(event.subject), msgspec.json.encode(envelope).decode())


def envelope_of(service: str, actor: str, event: Event) -> Envelope:
    """Return an event with what is known of its circumstances: the current span, and the event it follows from."""
    cause = _cause.get()
    span = trace.get_current_span().get_span_context()
    own = trace.format_trace_id(span.trace_id) if span.is_valid else str(event.id)
    return Envelope(
        specversion="1.0",
        id=event.id,
        source=SOURCE + service,
        type=event.type,
        typeversion=event.version,
        subject=event.subject,
        subjecttype=event.subject_type,
        time=event.time,
        actor=actor,
        correlationid=cause.correlationid if cause else own,
        causationid=cause.id if cause else None,
        traceparent=outgoing().get("traceparent"),
        data=msgspec.to_builtins(event.data),
    )


@contextmanager
def caused_by(envelope: Envelope) -> Iterator[None]:
    """Let events that are recorded inside say what they follow from."""
    token = _cause.set(envelope)
    try:
        yield
    finally:
        _cause.reset(token)


def entity_event(entity: Entity, verb: str, row: Mapping[str, Any]) -> Event:
    """Return the event of a change (``Created``, ``Updated``, ``Deleted``) to a declared entity, with its row."""
    data = {field.column: row[field.column] for field in entity.fields}
    return Event(type=entity.name + verb, subject=row["id"], subject_type=entity.name, data=data)
