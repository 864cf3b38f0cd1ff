"""A proxy between tests and stack that spoils one thing, so that it is seen whether the tests would notice."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import httpx

# A number with two decimals as a JSON value, with or without quotes; a minus would only make it longer.
_AMOUNT = re.compile(rb'(?<=[:\[,])(\s*"?-?)(\d{1,15}\.\d{2})(?="?\s*[,}\]])')
_PASSED_ON = {"content-type", "www-authenticate", "retry-after"}
_HOP = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding", "keep-alive", "expect"}
_SECONDS = 15.0
_LARGEST = 32 << 20
Change = Callable[[bytes, bytes], bytes]
"""(request body, answer body) -> answer body, altered or not."""


class Spoiler:
    """Spoils one thing for each test; safe to use from several connections.

    Attributes:
        times: answers that were altered.
        broken: requests that could not be passed on.
    """

    def __init__(self, new: Callable[[], Change]) -> None:
        self.times = 0
        self.broken = 0
        self._new = new
        self._changes: dict[str, Change] = {}
        self._lock = threading.Lock()

    def answer(self, trace: str, request: bytes, body: bytes) -> bytes:
        """The answer as a test gets it; all requests of a test are of one trace."""
        with self._lock:
            changed = self._changes.setdefault(trace, self._new())(request, body)
            self.times += changed != body
            return changed

    def failed(self) -> None:
        """Note a request that nobody answered."""
        with self._lock:
            self.broken += 1


def amount_off() -> Change:
    """The first amount of the first answer that has one is 0.01 more."""
    done = False

    def change(_request: bytes, body: bytes) -> bytes:
        nonlocal done
        found = None if done else _AMOUNT.search(body)
        if found is None:
            return body
        done = True
        more = str(Decimal(found[2].decode()) + Decimal("0.01")).encode()
        return body[: found.start(2)] + more + body[found.end(2) :]

    return change


def notification_lost() -> Change:
    """The first message that is ever asked for never arrives."""
    lost: list[Any] = []

    def change(_request: bytes, body: bytes) -> bytes:
        messages = _parsed(body)
        if not isinstance(messages, list) or not messages:
            return body
        if not lost:
            lost.append(messages[0])
        left = [message for message in messages if message != lost[0]]
        return json.dumps(left).encode() if len(left) < len(messages) else body

    return change


def event_late(fields: tuple[str, ...]) -> Change:
    """The first entry that any of these fields lists is withheld from the same question for ever."""
    withheld: list[tuple[bytes, str, Any]] = []

    def change(request: bytes, body: bytes) -> bytes:
        answer = _parsed(body)
        data = answer.get("data") if isinstance(answer, dict) else None
        for field, entries in data.items() if isinstance(data, dict) else ():
            if field not in fields or not isinstance(entries, list) or not entries:
                continue
            if not withheld:
                withheld.append((request, field, entries[0]))
            if withheld[0][:2] == (request, field) and withheld[0][2] in entries:
                entries.remove(withheld[0][2])
                return json.dumps(answer).encode()
        return body

    return change


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


@contextmanager
def between(upstream: str, spoiler: Spoiler) -> Iterator[str]:
    """Serve on a port of the loopback address that the system picks; gives the address, to be used instead of `upstream`."""
    with httpx.Client(timeout=_SECONDS, trust_env=False) as client, _Server(upstream, spoiler, client) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str, spoiler: Spoiler, client: httpx.Client) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self.spoiler, self.client = upstream.rstrip("/"), spoiler, client


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Pass it on."""
        self._pass_on(b"")

    def do_POST(self) -> None:
        """Pass it on with its body."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _LARGEST:
            self.close_connection = True
            self.send_error(411)
            return
        self._pass_on(self.rfile.read(int(length)))

    def _pass_on(self, body: bytes) -> None:
        server = cast("_Server", self.server)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        try:
            answer = server.client.request(self.command, server.upstream + self.path, content=body, headers=headers)
        except httpx.HTTPError:
            server.spoiler.failed()
            self.send_error(502)
            return
        trace = (self.headers.get("traceparent") or "").split("-")[1:2]
        content = server.spoiler.answer("".join(trace), body, answer.content)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() in _PASSED_ON:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing."""
