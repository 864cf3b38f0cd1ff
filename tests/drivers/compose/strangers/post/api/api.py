"""Takes letters by HTTP and puts them into the queue."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pika

BROKER = pika.URLParameters(os.environ["BROKER_URL"])
DOCUMENT = Path("openapi.json").read_bytes()


def send(body: bytes) -> None:
    """Put a letter into the queue."""
    connection = pika.BlockingConnection(BROKER)
    channel = connection.channel()
    channel.queue_declare("letters", durable=True)
    channel.basic_publish("", "letters", body)
    connection.close()


class Counter(BaseHTTPRequestHandler):
    """Where letters are handed in."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Tell how it is, and what it can do."""
        if self.path == "/openapi.json":
            self._answer(200, DOCUMENT)
        elif self.path == "/health/live":
            self._answer(200)
        elif self.path == "/health/ready":
            try:
                pika.BlockingConnection(BROKER).close()
                self._answer(200)
            except pika.exceptions.AMQPError:
                self._answer(503)
        else:
            self._answer(404)

    def do_POST(self) -> None:
        """Take a letter."""
        send(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self._answer(202)

    def log_message(self, *_: object) -> None:
        """Write no log of requests."""

    def _answer(self, status: int, body: bytes = b"{}") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer(("0.0.0.0", 8000), Counter).serve_forever()  # noqa: S104 - inside of a container
