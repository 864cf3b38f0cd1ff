"""Operations that a profile lists, sent to a real server on loopback."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from certify.api import Context, Service, Stack
from certify_checks.health.exercise import Exercise, Operation, Performed, perform
from certify_checks.health.model import HealthConfig
from certify_checks.http import Client
from certify_checks.picks import Pick, PickError

LISTED = {"data": {"users": [{"id": "u1"}, {"id": "u2"}]}}
ANSWERS: dict[str, Any] = {
    "users": LISTED,
    "empty": {"data": {"users": []}},
    "refused": {"errors": [{"message": "no such user"}]},
    "nothing": {"data": None},
}
USERS = {"user": Pick("{ users { id } }", "users.id")}


class Handler(BaseHTTPRequestHandler):
    seen: list[tuple[dict[str, str], dict[str, Any]]]

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/login":
            return self.answer({"access_token": f"token of {body['username']}"})
        self.seen.append((dict(self.headers), body))
        return self.answer(next((said for name, said in ANSWERS.items() if name in body["query"]), LISTED))

    def answer(self, said: Any):
        sent = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any):
        """Say nothing."""


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[tuple[Context, list[Any]]]:
    """A context whose gateway notes what it is asked."""
    Handler.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        users = {role: {"username": role, "password": "x"} for role in ("admin", "clerk")}
        gateway = Service("gateway", base, graphql="/graphql")
        stack = Stack((Service("crm", base, graphql="/graphql"),), gateway, {"login": f"{base}/login", "users": users})
        yield Context("health", tmp_path, tmp_path, stack=stack), Handler.seen
        server.shutdown()
        thread.join(5)


def ask(context: Context, exercise: Exercise) -> tuple[Performed, ...]:
    async def scene() -> tuple[Performed, ...]:
        async with Client(context) as client:
            return await perform(context, client, exercise)

    return asyncio.run(scene())


def test_operations_are_filled_and_sent_each_in_a_trace_of_its_own(seen: tuple[Context, list[Any]]):
    context, asked = seen
    variables = {"input": {"userId": "{user}", "name": "made {unique}"}}
    both = (
        Operation("a", "mutation A { made }", variables),
        Operation("b", "mutation B { made }", variables, "clerk", "crm"),
    )
    done = ask(context, Exercise(both, USERS))
    assert [(one.operation, one.complaint) for one in done] == [("a", ""), ("b", "")]
    (_, first), (sent, second) = asked[1:]
    assert {first["variables"]["input"]["userId"], second["variables"]["input"]["userId"]} <= {"u1", "u2"}
    assert first["variables"]["input"]["name"] != second["variables"]["input"]["name"]
    heads = {name.lower(): value for name, value in sent.items()}
    assert heads["authorization"] == "Bearer token of clerk"
    assert heads["traceparent"].split("-")[1] == done[1].trace != done[0].trace


def test_what_went_wrong_is_told(seen: tuple[Context, list[Any]]):
    context, _ = seen
    bad = Exercise((Operation("refused", "{ refused }"), Operation("null", "{ nothing }")))
    assert [one.complaint for one in ask(context, bad)] == ["no such user", "HTTP 200"]
    away = msgspec.structs.replace(context.stack.services[0], name="away", url="http://127.0.0.1:9")
    cut = msgspec.structs.replace(context, stack=msgspec.structs.replace(context.stack, services=(away,)))
    (performed,) = ask(cut, Exercise((Operation("cut", "{ users }", service="away"),)))
    assert performed.complaint.startswith("ConnectError")


def test_a_pick_that_finds_nothing_is_named(seen: tuple[Context, list[Any]]):
    with pytest.raises(PickError, match=r"pick user: nothing at users\.id"):
        ask(seen[0], Exercise(picks={"user": Pick("{ empty }", "users.id")}))


def test_a_profile_gives_it_as_an_option():
    given = {
        "exercise": {"picks": {"u": {"query": "{ u }", "path": "u"}}, "operations": [{"name": "a", "query": "{ a }"}]}
    }
    exercise = msgspec.convert(given, HealthConfig).exercise
    assert exercise.operations[0].name == "a"
    assert exercise.picks["u"].path == "u"
