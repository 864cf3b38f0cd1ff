"""One middleware that times, traces and logs each request; and the metrics it feeds."""

import logging
import time
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from certify_stack.kit.tracing import PROPAGATOR, Tracing, carrier_of

log = logging.getLogger("certify_stack.access")

ROUTES = frozenset(
    {"/graphql", "/health/live", "/health/ready", "/metrics", "/login", "/.well-known/jwks.json"},
)
QUIET = frozenset({"/health/live", "/health/ready", "/metrics"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SERVER_ERROR = 500


class Metrics:
    """The series of one service, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        labels = ("method", "route", "status")
        self.requests = Counter(
            "http_requests_total", "Requests answered, by route and status.", labels, registry=self.registry
        )
        self.latency = Histogram(
            "http_request_duration_seconds",
            "Time to answer, by route.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.graphql_errors = Counter(
            "graphql_errors_total", "Errors in GraphQL answers, by code.", ("code",), registry=self.registry
        )
        self.calls = Counter(
            "dependency_calls_total", "Calls to other services.", ("dependency", "outcome"), registry=self.registry
        )
        self.open_breakers = Gauge(
            "dependency_breaker_open",
            "Whether a service that did not answer is left alone at present.",
            ("dependency",),
            registry=self.registry,
        )
        self.events_sent = Counter("events_sent_total", "Events that the broker took.", registry=self.registry)
        self.events_consumed = Counter(
            "events_consumed_total", "Events taken from the broker, by outcome.", ("outcome",), registry=self.registry
        )
        self.logins = Counter("auth_logins_total", "Log-ins tried, by outcome.", ("outcome",), registry=self.registry)

    def render(self) -> bytes:
        """Return the series in the text format of Prometheus."""
        return generate_latest(self.registry)


class Observed:
    """ASGI middleware: count, time, span and log line of each HTTP request."""

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing) -> None:
        self._app = app
        self._metrics = metrics
        self._tracer = tracing.tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request through the wrapped application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path in QUIET:
            await self._timed(scope, receive, send)
            return
        # Context() is empty: a request without a traceparent starts a trace of its own.
        parent = PROPAGATOR.extract(carrier_of(scope["headers"]), context=Context())
        route = path if path in ROUTES else "other"
        with self._tracer.start_as_current_span(
            f"{scope['method']} {route}", context=parent, kind=SpanKind.SERVER
        ) as span:
            status = await self._timed(scope, receive, send)
            span.set_attribute("http.response.status_code", status)
            span.set_attribute("http.request.method", scope["method"])
            span.set_attribute("http.route", route)
            if status >= SERVER_ERROR:
                span.set_status(StatusCode.ERROR)

    async def _timed(self, scope: Scope, receive: Receive, send: Send) -> int:
        status = SERVER_ERROR
        start = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            self._record(scope, status, time.perf_counter() - start)
        return status

    def _record(self, scope: dict[str, Any] | Scope, status: int, seconds: float) -> None:
        path, method = scope["path"], scope["method"]
        route = path if path in ROUTES else "other"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.latency.labels(method, route).observe(seconds)
        if path not in QUIET or status >= SERVER_ERROR:
            level = logging.WARNING if status >= SERVER_ERROR else logging.INFO
            fields = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 2)}
            log.log(level, "request", extra=fields)
