"""OpenTelemetry: spans of requests, calls and messages; W3C trace context in and out."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, DEFAULT_ON
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from certify_stack.kit.query_spans import QuerySpans

PROPAGATOR = TraceContextTextMapPropagator()
EXPORT_EVERY_MS = 500

Attributes = Mapping[str, str | int]


class Tracing:
    """The tracer of one service. Spans leave the process when an endpoint is set: all but those whose caller wants none.

    Attributes:
        tracer: for spans.
        queries: for those of the database; None when spans go nowhere.
    """

    def __init__(self, service: str, otlp_endpoint: str | None) -> None:
        self._export = None
        if otlp_endpoint:
            from certify_stack.kit.span_export import SpanExport  # noqa: PLC0415 - takes longer than all else here

            self._export = SpanExport(otlp_endpoint)
        # Without an endpoint spans are only ids in logs; those cost less.
        self._provider = TracerProvider(
            sampler=DEFAULT_ON if self._export else ALWAYS_OFF,
            resource=Resource.create({"service.name": service}),
            shutdown_on_exit=False,
        )
        if self._export is not None:
            self._provider.add_span_processor(BatchSpanProcessor(self._export, schedule_delay_millis=EXPORT_EVERY_MS))
        self.tracer: Tracer = self._provider.get_tracer("certify_stack")
        self.queries = QuerySpans(self.tracer) if self._export is not None else None

    def close(self) -> None:
        """Send what is left, unless the collector is away, and stop the exporter's thread."""
        if self._export is not None:
            self._export.give_up_if_away()
        self._provider.shutdown()

    @contextmanager
    def span(
        self, name: str, kind: SpanKind, attributes: Attributes, parent: Mapping[str, str] | None = None
    ) -> Iterator[Span]:
        """Do something inside of a span.

        Args:
            name: What is done, with few different values.
            kind: On which side of which kind of talk this is.
            attributes: Facts in OpenTelemetry's words.
            parent: Trace headers of whoever caused it; None continues the current span.
        """
        context = None if parent is None else PROPAGATOR.extract(parent, context=Context())
        with self.tracer.start_as_current_span(name, context=context, kind=kind, attributes=dict(attributes)) as span:
            yield span

    @contextmanager
    def producing(self, topic: str, parent: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
        """Publish a message inside of a producer span; gives the headers that the message must carry.

        Args:
            topic: Where it goes.
            parent: Trace headers of the request that caused the message, as its outbox kept them.
        """
        about = {"messaging.system": "kafka", "messaging.destination.name": topic, "messaging.operation.type": "send"}
        with self.span(f"send {topic}", SpanKind.PRODUCER, about, parent):
            yield outgoing()

    @contextmanager
    def consuming(self, topic: str, headers: Mapping[str, str]) -> Iterator[Span]:
        """Work on a message inside of a consumer span, the child of the span that sent it."""
        about = {
            "messaging.system": "kafka",
            "messaging.destination.name": topic,
            "messaging.operation.type": "process",
        }
        with self.span(f"process {topic}", SpanKind.CONSUMER, about, headers) as span:
            yield span


def carrier_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the trace headers of a request; the rest is not ours to read."""
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in headers
        if name in {b"traceparent", b"tracestate"}
    }


def outgoing() -> dict[str, str]:
    """Return the headers that continue the current span in another service."""
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier)
    return carrier
