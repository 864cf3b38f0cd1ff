"""One span that a service of the stack reported, reduced to what proves that a call took place."""

import msgspec


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """Taken from OTLP; times in microseconds since the epoch, ids as lower-case hexadecimal.

    Attributes:
        service: resource attribute `service.name`.
        kind: `internal`, `server`, `client`, `producer` or `consumer`.
        parent: id of the parent span, possibly of another service; empty for a root.
        failed: its status is error.
        attributes: those whose value is a text, a number or a boolean, as text.
    """

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str = ""
    start_us: int = 0
    end_us: int = 0
    failed: bool = False
    attributes: dict[str, str] = {}
