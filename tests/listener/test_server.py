"""What the listener answers to good, bad and hostile requests."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from certify.listener import server
from certify.listener.answer import MAX_BODY

Listened = Callable[..., tuple[Any, Any]]
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def as_json(*spans: dict[str, Any], service: str = "shop") -> dict[str, Any]:
    name = {"key": "service.name", "value": {"stringValue": service}}
    return {"resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": list(spans)}]}]}


def as_protobuf(count: int, trace: str = TRACE) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(count):
        scope.spans.add(trace_id=bytes.fromhex(trace), span_id=(number + 1).to_bytes(8, "big"), name="x", kind=2)
    return request.SerializeToString()


def ask(listened: Listened, **request: Any) -> tuple[httpx.Response, Any]:
    async def scene(client: httpx.AsyncClient) -> httpx.Response:
        return await client.request(**({"method": "POST", "url": "/v1/traces"} | request))

    return listened(scene)


def test_json_with_hexadecimal_ids_and_numbers_as_texts(listened: Listened):
    span = {
        "traceId": TRACE.upper(),
        "spanId": SPAN,
        "parentSpanId": "",
        "name": "GET /",
        "kind": 3,
        "unknown": [1],
        "startTimeUnixNano": "1700000000000000001",
        "endTimeUnixNano": 1700000000000002000,
        "status": {"code": 2},
        "attributes": [
            {"key": "n", "value": {"intValue": "12"}},
            {"key": "on", "value": {"boolValue": True}},
            {"key": "r", "value": {"doubleValue": 1.5}},
            {"key": "list", "value": {"arrayValue": {"values": []}}},
        ],
        "links": [{"traceId": TRACE, "spanId": SPAN}, {"traceId": "short", "spanId": SPAN}],
    }
    answer, seen = ask(listened, json=as_json(span))
    assert (answer.status_code, answer.headers["content-type"], answer.json()) == (200, "application/json", {})
    (one,) = seen.spans
    assert (one.service, one.kind, one.trace, one.failed) == ("shop", "client", TRACE, True)
    assert (one.start_us, one.end_us) == (1_700_000_000_000_000, 1_700_000_000_000_002)
    assert one.attributes == {"n": "12", "on": "true", "r": "1.5"}
    assert one.links == (f"{TRACE}/{SPAN}",)


def test_protobuf_plain_gzipped_and_chunked_on_one_connection(listened: Listened):
    async def chunks() -> AsyncIterator[bytes]:
        body = as_protobuf(3, "3" * 32)
        yield body[:5]
        yield body[5:]

    async def scene(client: httpx.AsyncClient) -> list[int]:
        zipped = gzip.compress(as_protobuf(2, "2" * 32))
        requests = [
            ({"content": as_protobuf(1, "1" * 32)}, {}),
            ({"content": zipped}, {"content-encoding": "gzip"}),
            ({"content": chunks()}, {"expect": "100-continue"}),
        ]
        return [
            (await client.post("/v1/traces", headers=PROTOBUF | more, **sent)).status_code for sent, more in requests
        ]

    statuses, seen = listened(scene)
    assert statuses == [200, 200, 200]
    assert [span.trace[0] for span in seen.spans] == list("122333")


def test_spans_without_valid_ids_are_refused_one_by_one(listened: Listened):
    good = {"traceId": TRACE, "spanId": SPAN}
    bad = [{"traceId": "0" * 32, "spanId": SPAN}, {"traceId": TRACE}, {"traceId": TRACE, "spanId": "g" * 16}]
    answer, seen = ask(listened, json=as_json(good, *bad))
    assert answer.json() == {"partialSuccess": {"rejectedSpans": "3", "errorMessage": "3 without valid ids"}}
    assert len(seen.spans) == 1
    answer, seen = ask(listened, content=as_protobuf(2, "00"), headers=PROTOBUF)
    told = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, told.rejected_spans) == (200, 2)


def test_what_is_over_the_capacity_is_counted_and_told(listened: Listened):
    async def scene(client: httpx.AsyncClient) -> list[int]:
        told = []
        for letter in "12345":
            answer = await client.post("/v1/traces", content=as_protobuf(2, letter * 32), headers=PROTOBUF)
            told.append(ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans)
        return told

    told, seen = listened(scene, capacity=3)
    assert told == [0, 1, 2, 2, 2]
    assert (len(seen.spans), seen.dropped, seen.unreadable) == (3, 7, 0)


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (404, {"url": "/"}),
        (405, {"method": "GET"}),
        (415, {"content": b"x", "headers": {"content-type": "text/plain"}}),
        (415, {"content": b"x", "headers": PROTOBUF | {"content-encoding": "br"}}),
        (400, {"content": b"\xff\xff\xff", "headers": PROTOBUF}),
        (400, {"content": b"{", "headers": JSON}),
        (400, {"content": b'{"resourceSpans": 1}', "headers": JSON}),
        (400, {"content": b"\xff", "headers": JSON}),
        (400, {"content": b"[" * 100_000, "headers": JSON}),
        (400, {"content": b"no gzip", "headers": PROTOBUF | {"content-encoding": "gzip"}}),
        (400, {"content": gzip.compress(b"{}")[:-5], "headers": JSON | {"content-encoding": "gzip"}}),
        (413, {"content": gzip.compress(b" " * (MAX_BODY + 1)), "headers": JSON | {"content-encoding": "gzip"}}),
        (413, {"content": b" " * (MAX_BODY + 1), "headers": JSON}),
        (413, {"content": as_protobuf(20_001), "headers": PROTOBUF}),
    ],
)
def test_bad_requests(listened: Listened, status: int, request_: dict[str, Any]):
    answer, seen = ask(listened, **request_)
    assert answer.status_code == status
    assert seen.spans == ()
    if answer.headers["content-type"] == "application/json":
        assert answer.json()["message"]
    else:  # a google.rpc.Status: one text of less than 128 bytes
        assert answer.content[:2] == bytes((0x12, len(answer.content) - 2))


def test_metrics_and_logs_are_taken_and_thrown_away(listened: Listened):
    for url in ("/v1/metrics", "/v1/logs"):
        answer, seen = ask(listened, url=url, content=b"whatever", headers=PROTOBUF)
        assert (answer.status_code, answer.content, seen.spans) == (200, b"", ())


def test_texts_are_cleaned_and_clipped(listened: Listened):
    attributes = [{"key": f"{number}\n", "value": {"stringValue": "v" * 999}} for number in range(99)]
    span = {"traceId": TRACE, "spanId": SPAN, "name": "\x1b[31m" + "n" * 999, "attributes": attributes, "kind": 77}
    _, seen = ask(listened, json=as_json(span, service="\u202eevil"))
    (one,) = seen.spans
    assert one.service == r"\u202eevil"
    assert one.name.startswith(r"\x1b[31mnnn")
    assert (len(one.name), len(one.attributes), one.kind) == (256, 32, "internal")
    assert set(map(len, one.attributes.values())) == {256}
    assert "0 " in one.attributes


def test_numbers_beyond_all_bounds(listened: Listened):
    span = {"traceId": TRACE, "spanId": SPAN, "startTimeUnixNano": "9" * 40, "endTimeUnixNano": -5}
    span["attributes"] = [{"key": "n", "value": {"intValue": "9" * 60}}]
    answer, seen = ask(listened, json=as_json(span))
    assert answer.status_code in {200, 400}
    assert all(one.start_us == 2**53 and one.end_us == 0 for one in seen.spans)


def test_a_full_disk_is_told_to_the_sender(listened: Listened):
    async def scene(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/v1/traces", content=as_protobuf(1), headers=PROTOBUF)

    answer, _ = listened(scene, file=Path("/dev/full"))
    assert answer.status_code == 503
    assert b"No space left" in answer.content


def test_rubbish_and_silence_do_not_end_it(listened: Listened, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.2)
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 4)

    async def say(client: httpx.AsyncClient, words: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        writer.write(words)
        try:
            return await asyncio.wait_for(reader.read(), 60)
        finally:
            writer.close()

    async def scene(client: httpx.AsyncClient) -> tuple[bytes, ...]:
        head = b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        heard = (
            await say(client, b"\x16\x03\x01 no HTTP\r\n\r\n"),
            await say(client, b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 100_000),
            await say(client, head + b"content-length: 5\r\n\r\n{"),
        )
        idle = [await asyncio.open_connection("127.0.0.1", client.base_url.port) for _ in range(4)]
        await asyncio.sleep(0.05)
        reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        for _, writer in idle:
            writer.close()
        await asyncio.sleep(0.05)
        good = json.dumps(as_json({"traceId": TRACE, "spanId": SPAN})).encode()
        assert (await client.post("/v1/traces", content=good, headers=JSON)).status_code == 200
        return heard

    heard, seen = listened(scene)
    assert heard[0].startswith(b"HTTP/1.1 400 ")
    assert heard[1].startswith(b"HTTP/1.1 431 ")
    assert heard[2] == b""
    assert len(seen.spans) == 1
