"""Where e-mails and text messages of the stack end: a mail server and a provider of text messages that only write down.

    python -m certify_stack.embedded.sink SMTP HTTP

serves until it is ended, on two listening sockets that it inherits by their descriptors, or on two addresses such as
`0.0.0.0:2525`. By HTTP: `POST /sms` takes `{to, text, reference}` and answers with an id, the same for the same reference;
`GET /messages` gives what arrived since the start, oldest first, as a JSON array of `{kind, id, sender, to, subject, text,
headers}`; with `?to=ADDRESS` only what went there.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import socket
import sys
import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.smtp import SMTP, Envelope

KEPT = 20_000
BACKLOG = 512
LARGEST = 1 << 20


@dataclass(frozen=True)
class Arrived:
    """One message to one address, as it came; `kind` is `email` or `sms`."""

    kind: str
    id: str
    sender: str
    to: str
    subject: str
    text: str
    headers: dict[str, str] = field(default_factory=dict)


class Box:
    """What arrived, the newest `KEPT`."""

    def __init__(self) -> None:
        self._arrived: deque[Arrived] = deque(maxlen=KEPT)
        self._references: dict[str, None] = {}
        self._lock = threading.Lock()

    def put(self, *arrived: Arrived) -> None:
        """Keep them; a text message whose reference is known already is the same one."""
        with self._lock:
            self._arrived.extend(one for one in arrived if one.kind != "sms" or self._is_new(one.id))

    def of(self, address: str | None) -> list[Arrived]:
        """All, or those to an address."""
        with self._lock:
            return [one for one in self._arrived if address is None or one.to == address]

    def _is_new(self, reference: str) -> bool:
        if reference in self._references:
            return False
        self._references[reference] = None
        if len(self._references) > KEPT:
            del self._references[next(iter(self._references))]
        return True


class MailHandler:
    """What the mail server does with a mail."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_DATA(self, _server: SMTP, _session: object, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep it once for each recipient."""
        content = envelope.content or b""
        mail = email.message_from_bytes(
            content if isinstance(content, bytes) else content.encode(), policy=email.policy.default
        )
        body = mail.get_body(("plain", "html"))
        headers = {name.lower(): str(value) for name, value in mail.items()}
        for address in envelope.rcpt_tos:
            self._box.put(
                Arrived(
                    kind="email",
                    id=headers.get("message-id", "").strip("<>"),
                    sender=envelope.mail_from or "",
                    to=address,
                    subject=headers.get("subject", ""),
                    text=str(body.get_content()).strip() if body else "",
                    headers=headers,
                )
            )
        return "250 OK"


class Provider(ThreadingHTTPServer):
    """The provider of text messages, and the way to read what arrived."""

    daemon_threads = True

    def __init__(self, listening: socket.socket, box: Box) -> None:
        super().__init__(listening.getsockname(), ProviderHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.box = box


class ProviderHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Give what arrived."""
        url = urlsplit(self.path)
        if url.path == "/health/ready":
            self._answer(200, {"status": "ready"})
        elif url.path == "/messages":
            to = parse_qs(url.query).get("to", [None])[0]
            self._answer(200, [asdict(one) for one in self._box.of(to)])
        else:
            self._answer(404, {"error": "unknown path"})

    def do_POST(self) -> None:
        """Take a text message."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/sms" or not length.isdecimal() or int(length) > LARGEST:
            self.close_connection = True
            self._answer(404 if self.path != "/sms" else 400, {"error": "POST /sms with a length of at most 1 MiB"})
            return
        try:
            given = json.loads(self.rfile.read(int(length)))
            to, text, reference = (str(given[name]) for name in ("to", "text", "reference"))
        except (ValueError, KeyError, TypeError):
            self._answer(400, {"error": "give to, text and reference as JSON texts"})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._box.put(Arrived("sms", reference, "", to, "", text, headers))
        self._answer(202, {"id": reference})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing of single requests."""

    @property
    def _box(self) -> Box:
        return cast("Provider", self.server).box

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


async def serve(smtp: socket.socket, http: socket.socket) -> None:
    """Serve on both sockets until cancelled."""
    box = Box()
    provider = Provider(http, box)
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    loop = asyncio.get_running_loop()
    handler = MailHandler(box)
    mail = await loop.create_server(lambda: SMTP(handler, hostname="sink.example", loop=loop), sock=smtp)
    try:
        await mail.serve_forever()
    finally:
        provider.shutdown()


def main() -> None:
    """Serve where the arguments say."""
    smtp, http = (_listening(argument) for argument in sys.argv[1:3])
    asyncio.run(serve(smtp, http))


def _listening(argument: str) -> socket.socket:
    host, separator, port = argument.rpartition(":")
    if not separator:
        return socket.socket(fileno=int(argument))
    return socket.create_server((host, int(port)), backlog=BACKLOG)


if __name__ == "__main__":
    main()
