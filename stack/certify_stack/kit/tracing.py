"""OpenTelemetry: spans of requests and of calls to other services, W3C trace context in and out."""

from collections.abc import Iterable

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

PROPAGATOR = TraceContextTextMapPropagator()
EXPORT_EVERY_MS = 500


class Tracing:
    """The tracer of one service; spans leave the process only when an endpoint is set."""

    def __init__(self, service: str, otlp_endpoint: str | None) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
        if otlp_endpoint:
            exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=2)
            self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=EXPORT_EVERY_MS))
        self.tracer: Tracer = self._provider.get_tracer("certify_stack")

    def close(self) -> None:
        """Send what is left and stop the exporter's thread."""
        self._provider.shutdown()


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
