"""Asking running services what they serve, on real servers of this machine."""

import asyncio
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from certify.draft.look import ask_all
from certify.draft.model import Answers
from certify.draft.probes import from_answers

DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {"/sys/readiness": {"get": {}}, "/orders": {"get": {}}, "/live/{x}": {"get": {}}},
}
Answer = Callable[[str, str, bytes], tuple[int, str, bytes]]
Serve = Callable[[Answer], str]
PACKED = b"\x1f\x8b"


def complete(method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
    """A service with everything."""
    if method == "POST":
        asked = path == "/graphql" and json.loads(body) == {"query": "{__typename}"}
        return (200, "application/json", b'{"data":{"__typename":"Query"}}') if asked else (404, "text/html", b"")
    pages = {
        "/livez": ("application/json", b'{"status":"ok"}'),
        "/sys/readiness": ("application/json", b"{}"),
        "/openapi.json": ("application/json", json.dumps(DOCUMENT).encode()),
        "/metrics": ("text/plain; version=0.0.4", b"up 1\n"),
    }
    kind, text = pages.get(path, ("", b""))
    return (200, kind, text) if kind else (404, "text/html", b"")


def page_for_all(method: str, _path: str, _body: bytes) -> tuple[int, str, bytes]:
    """One page at every address, as servers of single-page applications have it."""
    return (200, "text/html", b"<html>") if method == "GET" else (405, "text/html", b"")


def refusing(_method: str, _path: str, _body: bytes) -> tuple[int, str, bytes]:
    return 401, "application/json", b'{"errors":[{"message":"no"}]}'


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._do(b"")

            def do_POST(self) -> None:
                self._do(self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *_: Any) -> None:
                pass

            def _do(self, body: bytes) -> None:
                status, kind, text = answer(self.command, self.path, body)
                if self.headers.get("Cookie"):
                    status, kind, text = 500, "", b"a cookie that was never given by a user"
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Set-Cookie", "session=mine")
                if text.startswith(PACKED):
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_all_that_a_service_shows_is_found(serve: Serve):
    answers = asyncio.run(ask_all({"web": serve(complete)}))["web"]
    assert answers.document == "/openapi.json"
    assert {name: found.value for name, found in from_answers(answers).items()} == {
        "live": "/livez",
        "ready": "/sys/readiness",
        "metrics": "/metrics",
        "graphql": "/graphql",
    }


def test_who_answers_everything_proves_nothing(serve: Serve):
    answers = asyncio.run(ask_all({"web": serve(page_for_all)}))["web"]
    assert "answers every path alike" in answers.said
    assert from_answers(answers) == {}


def test_who_refuses_or_does_not_speak_http_shows_nothing(serve: Serve):
    silent = "http://127.0.0.1:9"
    found = asyncio.run(ask_all({"web": serve(refusing), "gone": silent}))
    assert found["web"] == Answers()
    assert "does not answer HTTP" in found["gone"].said


def test_what_is_too_long_is_not_taken(serve: Serve):
    def endless(method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        if path == "/openapi.json":
            return 200, "application/json", b'{"openapi":"3","x":"' + b"x" * (3 << 20) + b'"}'
        return complete(method, path, body) if path != "/sys/readiness" else (404, "", b"")

    answers = asyncio.run(ask_all({"web": serve(endless)}))["web"]
    assert answers.documented == ()
    assert answers.document == ""


def test_a_few_bytes_that_unpack_to_very_many_are_not_unpacked(serve: Serve):
    document = b'{"openapi":"3","paths":{"/health":{"get":{}}},"x":[' + b"0," * (8 << 20) + b"0]}"
    packed = gzip.compress(document)

    def packing(method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        return (200, "application/json", packed) if path == "/openapi.json" else (404, "", body[:0] + method.encode())

    assert asyncio.run(ask_all({"web": serve(packing)}))["web"] == Answers()


def test_a_path_that_is_named_is_asked_as_well(serve: Serve):
    def own(method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
        return (200, "text/plain", b"") if (method, path) == ("GET", "/shop/up") else (404, "", body[:0])

    url = serve(own)
    assert asyncio.run(ask_all({"web": url}, {"web": ("/shop/up",)}))["web"].well == {"/shop/up": "text/plain"}
    assert asyncio.run(ask_all({"web": url}))["web"].well == {}
