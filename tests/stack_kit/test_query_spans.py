"""Queries as spans of the request that asked them, on a real server; nothing of a request that nobody traces."""

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_ON
from opentelemetry.trace import SpanKind

from certify_stack.embedded.postgres import PostgresServer, temporary
from certify_stack.kit.database import Database
from certify_stack.kit.query_spans import QuerySpans
from certify_stack.kit.tracing import PROPAGATOR

pytestmark = pytest.mark.stack

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with temporary() as server:
        yield server


def told(dsn: str, flags: str, size: int = 2) -> list[ReadableSpan]:
    """Spans of a request with three queries at once, one of which is refused."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(sampler=DEFAULT_ON, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")

    async def ask() -> None:
        database = Database(dsn, size, QuerySpans(tracer))
        await database.open()
        parent = PROPAGATOR.extract({"traceparent": f"00-{TRACE}-b7ad6b7169203331-{flags}"}, context=Context())
        with tracer.start_as_current_span("request", context=parent, kind=SpanKind.SERVER):
            slow = (database.fetchval("SELECT pg_sleep(0.05)") for _ in range(2))
            refused = database.fetch("DELETE FROM nowhere")
            await asyncio.gather(*slow, refused, return_exceptions=True)
        await asyncio.sleep(0)
        await database.close()

    asyncio.run(ask())
    provider.shutdown()
    return [span for span in kept.get_finished_spans() if span.context.trace_id == int(TRACE, 16)]


def test_each_query_is_a_child_of_the_request_and_takes_its_time(postgres: PostgresServer):
    spans = told(postgres.create_database("asked"), "01", size=8)
    request = next(span for span in spans if span.kind is SpanKind.SERVER)
    queries = {span.name: span for span in spans if "connection" not in span.name and span is not request}
    assert set(queries) == {"SELECT", "DELETE"}
    assert all(span.parent.span_id == request.context.span_id for span in queries.values())
    assert queries["SELECT"].end_time - queries["SELECT"].start_time >= 50_000_000
    assert queries["DELETE"].attributes["error.type"]
    assert all(span.attributes["db.system.name"] == "postgresql" for span in queries.values())


def test_to_wait_for_a_connection_is_told(postgres: PostgresServer):
    spans = told(postgres.create_database("waited"), "01", size=1)
    waits = [span for span in spans if span.name == "wait for a connection"]
    assert max(span.end_time - span.start_time for span in waits) >= 50_000_000


def test_a_request_that_nobody_traces_leaves_nothing(postgres: PostgresServer):
    assert told(postgres.create_database("untraced"), "00") == []
