"""Domain events as they travel: CloudEvents 1.0 in structured mode, one JSON object a message, one topic a service."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from certify_stack.erp import CONSUMES

SOURCE = "urn:erp:"
CONTENT_TYPE = b"application/cloudevents+json; charset=UTF-8"


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. The attributes of CloudEvents have its names; those that it does not know are extensions.

    Attributes:
        id: Unique; who saw it before has nothing to do.
        source: The service in which it happened, as ``urn:erp:NAME``.
        type: What happened, such as ``InvoiceIssued``.
        typeversion: Version of the shape of ``data``.
        subject: The key of the thing that it happened to; events of one subject arrive in order.
        subjecttype: The kind of that thing.
        time: When it happened.
        actor: Who did it: a user's id or a service's name.
        correlationid: The same for all that follows from one request, over all services.
        causationid: The event that made a service do this; absent when somebody asked for it.
        traceparent: W3C trace context of the request that did it.
        data: The facts; exact numbers are texts.
    """

    specversion: Literal["1.0"]
    id: UUID
    source: str
    type: str
    typeversion: int
    subject: UUID
    subjecttype: str
    time: datetime
    actor: str
    correlationid: str
    data: dict[str, Any]
    causationid: UUID | None = None
    traceparent: str | None = None
    datacontenttype: str = "application/json"

    @property
    def service(self) -> str:
        """The service in which it happened."""
        return self.source.removeprefix(SOURCE)


_decoder = msgspec.json.Decoder(Envelope)


def decode(raw: bytes | str) -> Envelope:
    """Return an event out of its JSON.

    Raises:
        ValueError: It is no such event.
    """
    return _decoder.decode(raw)


def topic_of(service: str) -> str:
    """Return the topic of a service's events."""
    return f"{service}.events"


def dead_topic_of(group: str) -> str:
    """Return the topic of the messages that a consumer group could not digest."""
    return f"{group}.dead"


def topics(services: Iterable[str]) -> tuple[str, ...]:
    """Return every topic that these services use; make them before the services start."""
    names = tuple(services)
    dead = (dead_topic_of(name) for name in names if name in CONSUMES)
    return (*(topic_of(name) for name in names), *dead)
