"""The listener as a stack meets it: the real process, and the exporter of the OpenTelemetry SDK."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest
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


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


OWNER = """
import asyncio, os, sys, signal
from pathlib import Path
from certify.listener import listening
async def main():
    async with listening(Path(sys.argv[1])):
        print(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(), flush=True)
        await asyncio.to_thread(sys.stdin.read) if sys.argv[2] == "end" else os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


@pytest.mark.parametrize("way", ["end", "killed"])
def test_it_does_not_outlive_its_owner(tmp_path: Path, way: str):
    command = [sys.executable, "-c", OWNER, str(tmp_path / "spans"), way]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        (pid,) = map(int, owner.stdout.readline().split())
        owner.communicate()
    assert owner.returncode == (0 if way == "end" else -9)
    assert gone(pid)
    assert not (tmp_path / "spans.log").read_text()


def test_by_hand_it_tells_its_address_and_ends_with_its_input(tmp_path: Path):
    command = [sys.executable, "-m", "certify.listener", "--file", str(tmp_path / "spans")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout
        url = listener.stdout.readline().strip()
        send_two(url)
        listener.communicate()
    assert listener.returncode == 0
    assert len(read_spans((tmp_path / "spans").read_bytes()).spans) == 2
    assert (tmp_path / "spans").stat().st_mode & 0o777 == 0o600
