"""`health.edges` on services that speak HTTP and OpenTelemetry's own SDK, with the real listener between."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from certify.api import Capability, Context, Criteria, Duration, Limit, Outcome, Ruling, Service, Stack
from certify.listener import listening
from certify_checks.health import CHECK
from certify_checks.health.edges import judge_edges, seed_edges
from certify_checks.health.edges_model import EdgesConfig
from certify_checks.health.exercise import Exercise, Operation
from certify_checks.health.model import HealthConfig, HealthObservation

CRITERIA = Criteria({"broken": Limit.parse("== 0")})
OFFERED = frozenset({Capability.HTTP, Capability.SPANS, Capability.LOGIN, Capability.DISPOSABLE})
PLACE = Operation("place", "mutation { place }", service="orders")
# Only what does not come is waited for that long.
EDGES = EdgesConfig(patience=Duration("5 s"), settle=Duration("600 ms"))


class Shop:
    """Services that call each other as `calls` says, and take events as `consumes` says; `broken` answer an error."""

    def __init__(self, url: str, *, delay_ms: int = 100) -> None:
        self.url, self.delay_ms = url, delay_ms
        self.calls: dict[str, list[str]] = {"orders": ["stock"], "stock": [], "mail": []}
        self.consumers: dict[str, list[str]] = {"orders": ["mail"]}
        self.broken: set[str] = set()
        self.mute: set[str] = set()
        self.addresses: dict[str, str] = {}
        self.tracers: dict[str, Any] = {}

    @contextmanager
    def open(self) -> Iterator[dict[str, str]]:
        with ExitStack() as stack:
            for name in self.calls:
                provider = TracerProvider(resource=Resource.create({"service.name": name}), shutdown_on_exit=False)
                if name not in self.mute:
                    exporter = OTLPSpanExporter(endpoint=f"{self.url}/v1/traces")
                    processor = BatchSpanProcessor(exporter, schedule_delay_millis=self.delay_ms)
                    provider.add_span_processor(processor)
                stack.callback(provider.shutdown)
                self.tracers[name] = provider.get_tracer("shop")
                self.addresses[name] = stack.enter_context(served(lambda *asked, name=name: self.answer(name, *asked)))
            yield self.addresses

    def answer(self, name: str, path: str, headers: Any) -> tuple[int, Any]:
        if path == "/login":
            return 200, {"access_token": "t"}
        tracer = self.tracers[name]
        with tracer.start_as_current_span("POST", context=extract(dict(headers)), kind=SpanKind.SERVER) as span:
            if name in self.broken:
                span.set_status(StatusCode.ERROR)
                return 500, {"errors": [{"message": "out of order"}]}
            for other in self.calls[name]:
                with tracer.start_as_current_span("call", kind=SpanKind.CLIENT):
                    carrier: dict[str, str] = {}
                    inject(carrier)
                    answer = httpx.post(self.addresses[other] + "/graphql", json={}, headers=carrier, trust_env=False)
                    if answer.status_code != 200:
                        return 200, {"errors": [{"message": f"{other} is away"}]}
            for other in self.consumers.get(name, []):
                with tracer.start_as_current_span("send", kind=SpanKind.PRODUCER):
                    carrier = {}
                    inject(carrier)
                    with self.tracers[other].start_as_current_span(
                        "process", context=extract(carrier), kind=SpanKind.CONSUMER
                    ):
                        pass
        return 200, {"data": {"place": True}}


@contextmanager
def served(answer: Callable[[str, Any], tuple[int, Any]]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, said = answer(self.path, self.headers)
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[Ruling, HealthObservation]]:
    """Open a shop, exercise and judge it: `run(lambda shop: ..., operations=..., offered=...)`."""

    def scene(
        change: Callable[[Shop], object] = lambda _: None,
        *,
        operations: tuple[Operation, ...] = (PLACE,),
        offered: frozenset[Capability] = OFFERED,
        delay_ms: int = 100,
        spans_to: str | None = None,
    ) -> tuple[Ruling, HealthObservation]:
        async def main() -> HealthObservation:
            async with listening(tmp_path / "spans.jsonl") as url:
                shop = Shop(url, delay_ms=delay_ms)
                change(shop)
                with shop.open() as addresses:
                    context = contextual(addresses, url if spans_to is None else spans_to)
                    config = HealthConfig(exercise=Exercise(operations), edges=EDGES)
                    return await CHECK.observe(context, config)

        def contextual(addresses: dict[str, str], url: str) -> Context:
            declared: dict[str, dict[str, Any]] = {"orders": {"calls": ("stock",)}, "mail": {"consumes": ("orders",)}}
            services = (Service(name, base, **declared.get(name, {})) for name, base in addresses.items())
            stack = Stack(
                tuple(services),
                credentials={
                    "login": addresses["orders"] + "/login",
                    "users": {"admin": {"username": "admin", "password": "x"}},
                },
                spans=str(tmp_path / "spans.jsonl"),
                spans_to=url,
            )
            return Context("health", tmp_path, tmp_path, rules=("edges",), stack=stack, capabilities=offered)

        seen = asyncio.run(main())
        return judge_edges(seen, CRITERIA), seen

    return scene


Run = Callable[..., tuple[Ruling, HealthObservation]]


def test_a_real_call_and_a_real_event_prove_their_edges(run: Run):
    ruling, seen = run()
    assert ruling.outcome is Outcome.PASS
    assert ruling.summary == "2 of 2 declared edges carried 2 calls, 0 failed; 0 undeclared"
    assert seen.edges
    (exercised,) = seen.edges.exercised
    assert (exercised.complaint, exercised.reached) == ("", ("mail", "orders", "stock"))
    assert exercised.trace == seen.edges.carried[0].trace
    assert not any("decoy" in name for name in seen.edges.heard)
    seeds = list(seed_edges(seen, CRITERIA))
    assert len(seeds) == 8
    assert all(judge_edges(seed.observation, CRITERIA).outcome is Outcome.FAIL for seed in seeds)


def test_late_spans_are_waited_for(run: Run):
    ruling, seen = run(delay_ms=1_500)
    assert ruling.outcome is Outcome.PASS
    assert seen.edges
    # Not at once: they are sent so late.
    assert seen.edges.waited_us > 1_000_000


def test_a_call_to_the_wrong_service(run: Run):
    ruling, _ = run(lambda shop: shop.calls.update(orders=["mail"]))
    assert ruling.outcome is Outcome.FAIL
    assert [(finding.code, str(finding.location)) for finding in ruling.findings] == [
        ("edge-undeclared", "orders orders -> mail")
    ]


def test_a_missing_an_undeclared_and_a_failing_edge(run: Run):
    ruling, _ = run(lambda shop: shop.consumers.clear() or shop.calls.update(stock=["mail"]))
    assert {(finding.code, str(finding.location)) for finding in ruling.findings} == {
        ("edge-missing", "mail orders ~> mail"),
        ("edge-undeclared", "stock stock -> mail"),
    }
    assert "orders was reached by place (answered well)" in ruling.findings[0].message


def test_a_failing_edge(run: Run):
    ruling, _ = run(lambda shop: shop.broken.add("stock"))
    failing = next(finding for finding in ruling.findings if finding.code == "edge-failing")
    assert failing.message == "orders -> stock: calls failed, and so did place, which caused them"


def test_a_service_that_sends_nothing(run: Run):
    ruling, _ = run(lambda shop: shop.mute.add("stock"))
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "silent-service")


def test_what_must_not_be_disturbed_is_only_watched(run: Run):
    ruling, seen = run(offered=OFFERED - {Capability.DISPOSABLE})
    assert seen.edges
    assert seen.edges.exercised == ()
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "no-spans")


def test_a_listener_that_is_away_is_noticed(run: Run):
    ruling, _ = run(spans_to="http://127.0.0.1:9")
    assert (ruling.outcome, ruling.reason) == (Outcome.INCONCLUSIVE, "sensor-blind")
