"""What a request waits for at its database, as spans of whoever asked: each query, and each wait for a free connection."""

import time
from typing import Any

from opentelemetry.trace import SpanKind, Tracer, get_current_span

# A connection that is free is there sooner.
WAITED_NS = 1_000_000
SYSTEM = {"db.system.name": "postgresql"}


class QuerySpans:
    """Called after the fact, so that requests which nobody traces pay next to nothing."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def asked(self, query: Any) -> None:
        """A query is done: a logger for asyncpg's connections, called in the context of who asked."""
        words = query.query.split(None, 1)
        self._told(words[0].upper()[:20] if words else "query", int(query.elapsed * 1e9), failed=bool(query.exception))

    def waited(self, began: int) -> None:
        """A connection was asked for at ``began``, on the clock ``time.perf_counter_ns``, and is there now."""
        elapsed = time.perf_counter_ns() - began
        if elapsed > WAITED_NS:
            self._told("wait for a connection", elapsed)

    def _told(self, name: str, elapsed: int, *, failed: bool = False) -> None:
        if not get_current_span().is_recording():
            return
        ended = time.time_ns()
        attributes = SYSTEM | ({"error.type": "error"} if failed else {})
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=ended - elapsed)
        span.end(ended)
