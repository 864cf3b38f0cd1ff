"""The proxy spoils exactly one thing, and passes everything else on as it is."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from certify_checks.scenario.proxy import Spoiler, amount_off, between, event_late, notification_lost


@pytest.mark.parametrize(
    ("body", "altered"),
    [
        (b'{"id":"12","net":"2.50","vat":"1.00"}', b'{"id":"12","net":"2.51","vat":"1.00"}'),
        (b'{"rate": 0.125, "net": 99.99, "vat": 1.00}', b'{"rate": 0.125, "net": 100.00, "vat": 1.00}'),
        (b'["x", "10.00"]', b'["x", "10.01"]'),
        (b'{"net":"-1.00"}', b'{"net":"-1.01"}'),
        (b'{"text":"you owe 1.00","version":"1.00.2"}', b'{"text":"you owe 1.00","version":"1.00.2"}'),
    ],
)
def test_the_first_amount_is_a_hundredth_more_and_only_once(body: bytes, altered: bytes):
    spoiler = Spoiler(amount_off)
    assert spoiler.answer("t", b"", body) == altered
    assert spoiler.answer("t", b"", body) == body or body == altered
    assert spoiler.times == (altered != body)


def test_one_message_never_arrives_and_others_do():
    spoiler = Spoiler(notification_lost)
    first, second = {"id": "1"}, {"id": "2"}
    assert spoiler.answer("t", b"", b"[]") == b"[]"
    assert json.loads(spoiler.answer("t", b"", json.dumps([first]).encode())) == []
    assert json.loads(spoiler.answer("t", b"", json.dumps([first, second]).encode())) == [second]
    assert json.loads(spoiler.answer("t", b"", json.dumps([second]).encode())) == [second]
    assert spoiler.times == 2


def test_one_event_stays_away_from_the_question_that_it_answers():
    spoiler = Spoiler(lambda: event_late(("entries",)))

    def asked(request: bytes, *entries: str) -> list[str]:
        body = json.dumps({"data": {"entries": list(entries), "other": ["x"]}}).encode()
        return json.loads(spoiler.answer("t", request, body))["data"]["entries"]

    assert asked(b"a") == []
    assert asked(b"a", "paid", "paid") == ["paid"]
    assert asked(b"a", "sent", "paid", "paid") == ["sent", "paid"]
    assert asked(b"b", "paid") == ["paid"]
    assert spoiler.times == 2
    for odd in (b"no json", b"[]", b'{"data": null}', b'{"data": {"entries": 3}}'):
        assert spoiler.answer("t", b"a", odd) == odd


def test_each_test_has_something_spoilt_of_its_own():
    spoiler = Spoiler(notification_lost)
    messages = json.dumps([{"id": "1"}, {"id": "2"}]).encode()
    for trace in ("a", "b"):
        assert json.loads(spoiler.answer(trace, b"", messages)) == [{"id": "2"}]
    assert spoiler.times == 2


class Upstream(BaseHTTPRequestHandler):
    def do_GET(self):
        self._send(self.path.encode() + b" " + (self.headers["Authorization"] or "").encode())

    def do_POST(self):
        self._send(self.rfile.read(int(self.headers["Content-Length"])), 418)

    def _send(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/x-known")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object):
        pass


@pytest.fixture
def upstream() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_requests_and_answers_pass_as_they_are(upstream: str):
    spoiler = Spoiler(amount_off)
    with between(upstream, spoiler) as address, httpx.Client(trust_env=False) as client:
        got = client.get(f"{address}/a?b=c", headers={"Authorization": "Bearer x"})
        posted = client.post(f"{address}/graphql", content=b'{"net":"1.00"}')
    assert (got.status_code, got.text) == (200, "/a?b=c Bearer x")
    assert (posted.status_code, posted.content) == (418, b'{"net":"1.01"}')
    assert posted.headers["content-type"] == "text/x-known"
    assert (spoiler.times, spoiler.broken) == (1, 0)


def test_what_cannot_be_passed_on_is_counted():
    spoiler = Spoiler(amount_off)
    with HTTPServer(("127.0.0.1", 0), Upstream) as gone:
        nobody = f"http://127.0.0.1:{gone.server_address[1]}"
    with between(nobody, spoiler) as address, httpx.Client(trust_env=False) as client:
        assert client.get(f"{address}/x").status_code == 502
    assert (spoiler.times, spoiler.broken) == (0, 1)
