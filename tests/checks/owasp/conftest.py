"""Small real servers on loopback: GraphQL by graphql-core, tokens verified by PyJWT."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from certify.api import Context, Criteria, Limit, Rule, Service, Stack

AUDIENCE, ISSUER = "urn:test:api", "urn:test:auth"
Respond = Callable[[str | None, bytes], tuple[int, Any]]


@contextmanager
def http_server(respond: Respond) -> Iterator[str]:
    """Answer POST by `respond(authorization, body) -> status, JSON`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = respond(self.headers.get("Authorization"), body)
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], str]]:
    """Start servers that end with the test."""
    with ExitStack() as servers:
        yield lambda respond: servers.enter_context(http_server(respond))


@dataclass
class Keys:
    """A signing key in a file, its public half, and a token that it signed."""

    file: Path
    public: str
    good: str

    def facts(self) -> dict[str, Any]:
        return {
            "login": "",
            "tokens": {"service": self.good},
            "jwt": {"issuer": ISSUER, "audience": AUDIENCE, "algorithm": "RS256", "private_key_file": str(self.file)},
        }

    def verifying(self, **loosened: Any) -> Respond:
        """A server that verifies tokens by PyJWT; `loosened` are PyJWT's options for what it forgets."""

        def respond(authorization: str | None, _: bytes) -> tuple[int, Any]:
            token = (authorization or "").removeprefix("Bearer ")
            try:
                jwt.decode(
                    token, self.public, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER, options=loosened or None
                )
            except jwt.InvalidTokenError:
                return 401, {"errors": [{"message": "no"}]}
            return 200, {"data": {"__typename": "Query"}}

        return respond


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path_factory.mktemp("keys") / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "service", "roles": ["service"], "iat": now, "exp": now + 600}
    return Keys(file, public, jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"}))


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Context]:
    """A context with its own evidence and scratch folders."""

    def make(*services: Service, credentials: dict[str, Any] | None = None, **fields: Any) -> Context:
        for name in ("evidence", "scratch"):
            (tmp_path / name).mkdir(exist_ok=True)
        stack = Stack(services, gateway=fields.pop("gateway", None), credentials=credentials or {})
        return Context("owasp", tmp_path / "evidence", tmp_path / "scratch", stack=stack, **fields)

    return make


@pytest.fixture
def criteria() -> Callable[..., Criteria]:
    """The rule's default limits, about some services or all."""

    def make(rule: Rule, *services: str) -> Criteria:
        limits = {name: Limit.parse(text) for name, text in rule.limits.items() if text}
        return Criteria(limits, services)

    return make
