"""The listener as a stack meets it: the real process, and the exporter of the OpenTelemetry SDK."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode

from certify.api import Spans, read_spans
from certify.listener import listening


def send_two(url: str) -> None:
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces")))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span(
        "POST", kind=SpanKind.CLIENT, attributes={"http.status": 503, "ok": False}
    ) as span:
        span.set_status(StatusCode.ERROR)
        with tracer.start_as_current_span("inner"):
            pass
    provider.shutdown()


def test_spans_of_the_sdk_are_in_the_file(tmp_path: Path):
    async def main() -> Spans:
        async with listening(tmp_path / "spans.jsonl") as url:
            await asyncio.to_thread(send_two, url)
            return read_spans((tmp_path / "spans.jsonl").read_bytes())

    before = time.time_ns() // 1000
    spans = asyncio.run(main())
    inner, outer = spans.spans
    assert (outer.service, outer.name, outer.kind, outer.failed, outer.parent) == ("shop", "POST", "client", True, "")
    assert outer.attributes == {"http.status": "503", "ok": "false"}
    assert (inner.kind, inner.parent, inner.trace, inner.failed) == ("internal", outer.id, outer.trace, False)
    assert before <= outer.start_us <= inner.start_us <= inner.end_us <= outer.end_us <= time.time_ns() // 1000
    assert (len(outer.id), len(outer.trace)) == (16, 32)
    assert (spans.dropped, spans.unreadable) == (0, 0)
    assert not (tmp_path / "spans.jsonl.log").read_text()
