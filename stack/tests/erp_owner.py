"""A real HTTP server on loopback in the place of every other service: it answers `_entities` as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from erp_harness import Harness

from certify_stack.erp import SERVICES


@dataclass
class Owners:
    """What the others know and do; `asked` is what they were asked, in order.

    Attributes:
        base: Where they are: each at its name under this.
        absent: Ids that nobody knows.
        status: Status of every answer.
        code: Code of a GraphQL error that is every answer.
        body: Text that is every answer.
        hang: No answer is given; what is asked waits until this is set.
    """

    base: str = ""
    absent: set[str] = field(default_factory=set)
    status: int = 200
    code: str | None = None
    body: str | None = None
    hang: threading.Event | None = None
    asked: list[tuple[str, list[dict[str, str]], dict[str, str]]] = field(default_factory=list)

    def answer(self, owner: str, headers: dict[str, str], representations: list[dict[str, str]]) -> str:
        """Note one request and return the body of its answer."""
        self.asked.append((owner, representations, headers))
        if self.hang is not None:
            self.hang.wait(5)
        if self.body is not None:
            return self.body
        if self.code is not None:
            return json.dumps({"data": None, "errors": [{"message": "no", "extensions": {"code": self.code}}]})
        found = [None if one["id"] in self.absent else {"__typename": one["__typename"]} for one in representations]
        return json.dumps({"data": {"_entities": found}})


@contextmanager
def owners(erp: Harness, folder: Path) -> Iterator[Owners]:
    """Let the service under test reach all others, which are one small server."""
    others = Owners()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            heads = {name.lower(): value for name, value in self.headers.items()}
            body = others.answer(self.path.split("/")[1], heads, sent["variables"]["r"]).encode()
            if others.hang is not None:  # who asked has gone long ago
                self.close_connection = True
                return
            self.send_response(others.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    token = folder / "service.token"
    token.write_text(erp.token("service", erp.name), encoding="ascii")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        others.base = f"http://127.0.0.1:{server.server_port}"
        try:
            with erp.reaching({name: f"{others.base}/{name}" for name in SERVICES if name != erp.name}, token):
                yield others
        finally:
            if others.hang is not None:
                others.hang.set()
            server.shutdown()
            thread.join(5)
