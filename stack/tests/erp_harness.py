"""Drives one service in this process: HTTP in, database beside, one event loop for both."""

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from alembic import command

from certify_stack.kit import alembic_runs, logs, migrate
from certify_stack.kit.app import create_app, load_service
from certify_stack.kit.model import Entity, lower_first
from certify_stack.kit.roles import Role
from certify_stack.kit.server import listen, server_of
from certify_stack.kit.settings import DEFAULT_AUDIENCE, DEFAULT_ISSUER, Settings
from certify_stack.kit.tokens import SigningKey

USER_ID = "7b0d2c52-58b6-4d0c-9f0e-6a51a2f4a001"


class Harness:
    """A running service: `ask` for GraphQL, `get` and `post` for HTTP, `sql` for its database."""

    def __init__(self, name: str, settings: Settings, key: SigningKey, runner: asyncio.Runner) -> None:
        self.name = name
        self.settings = settings
        self.key = key
        self.app = create_app(name, settings)
        self._runner = runner
        self._stack = AsyncExitStack()
        self._http: httpx.AsyncClient

    @classmethod
    @contextmanager
    def running(  # noqa: PLR0913, PLR0917 - all that a service can be told
        cls,
        name: str,
        dsn: str,
        key: SigningKey,
        key_file: Path,
        runner: "Harness | None" = None,
        broker: str | None = None,
    ) -> Iterator["Harness"]:
        migrate.upgrade(dsn, name)
        settings = Settings(database_dsn=dsn, auth_public_jwks=key.jwks(), auth_private_key=key_file, broker=broker)
        with nullcontext(runner._runner) if runner else asyncio.Runner() as loop:
            harness = cls(name, settings, key, loop)
            harness.run(harness._start())
            try:
                yield harness
            finally:
                harness.run(harness._stack.aclose())

    async def _start(self) -> None:
        await self._stack.enter_async_context(self.app.router.lifespan_context(self.app))
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self._http = await self._stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://erp")
        )

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def token(self, role: str = "admin", subject: str = USER_ID, **more: Any) -> str:
        claims = {"issuer": DEFAULT_ISSUER, "audience": DEFAULT_AUDIENCE, "ttl": 600} | more
        return self.key.mint(subject, [Role(role)], **claims)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.run(self._http.get(path, **more))

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.run(self._http.post(path, **more))

    def graphql(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        role: str = "admin",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the whole answer to one operation."""
        return self.run(self._graphql(query, variables, self.token(role), headers))

    async def _graphql(
        self, query: str, variables: Mapping[str, Any] | None, token: str, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        body = {"query": query, "variables": dict(variables or {})}
        sent = {"authorization": f"Bearer {token}"} | dict(headers or {})
        answer = await self._http.post("/graphql", json=body, headers=sent)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def together(self, asked: Sequence[tuple[str, Mapping[str, Any]]], role: str = "admin") -> list[dict[str, Any]]:
        """Return the answers to operations that run at the same time."""
        token = self.token(role)

        async def all_of_them() -> list[dict[str, Any]]:
            return await asyncio.gather(*(self._graphql(query, variables, token) for query, variables in asked))

        return self.run(all_of_them())

    def settle(self, condition: Callable[[], bool], seconds: float = 60.0) -> None:
        """Let the service work until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "did not settle"
            self.run(asyncio.sleep(0.02))

    @contextmanager
    def calling(self, other: "Harness", token: Path | None) -> Iterator[None]:
        """Let this service reach another one, which runs in the same loop."""
        with self.reaching({other.name: "http://erp"}, token):
            client = self.app.state.runtime.client
            client._http = other._http
            try:
                yield
            finally:
                client._http = None

    @contextmanager
    def reaching(self, urls: Mapping[str, str], token: Path | None) -> Iterator[None]:
        """Let this service call others at these addresses, over connections of its own."""
        client = self.app.state.runtime.client
        before = client.urls, client.token_file, client._http, client._breakers
        client.urls, client.token_file, client._http, client._breakers = dict(urls), token, None, {}
        try:
            yield
        finally:
            self.run(client.close())
            client.urls, client.token_file, client._http, client._breakers = before

    def ask(
        self,
        query: str,
        variables: Mapping[str, Any] | None = None,
        role: str = "admin",
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the data of one operation that must succeed."""
        answer = self.graphql(query, variables, role, headers)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def refusal(self, query: str, variables: Mapping[str, Any] | None = None, role: str = "admin") -> str:
        """Return the code of the only error of one operation that must fail."""
        answer = self.graphql(query, variables, role)
        assert len(answer.get("errors", [])) == 1, answer
        return answer["errors"][0]["extensions"]["code"]

    @property
    def head(self) -> str:
        """Return the only head of the service's migrations."""
        (head,) = migrate.source_heads(self.name)
        return head

    def some_list(self) -> str:
        """Return the name of a query that gives a list and needs no argument."""
        entities = load_service(self.name).entities
        return (
            lower_first(entities[0].plural) if entities else {"finance": "invoices", "audit": "auditEntries"}[self.name]
        )

    @contextmanager
    def without_database(self) -> Iterator[None]:
        """Cut the service off from its database, and connect it again."""
        database = self.settings.database_dsn.partition("?")[0].rsplit("/", 1)[1]

        def allow(connection: Any, *, connections: bool) -> Awaitable[Any]:
            return connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS {connections}")

        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
        self.run(self._on_server(lambda connection: allow(connection, connections=False)))
        self.run(self._on_server(lambda connection: connection.fetch(end, database)))
        try:
            yield
        finally:
            self.run(self._on_server(lambda connection: allow(connection, connections=True)))

    async def _on_server(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        connection = await asyncpg.connect(with_database(self.settings.database_dsn, "postgres"))
        try:
            return await work(connection)
        finally:
            await connection.close()

    def as_input(self, entity: Entity, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a sample row as a client sends it."""
        given = {field.column: row[field.column] for field in entity.fields if field.writable}
        return {
            column: value
            if isinstance(value, bool | int | None)
            else str(getattr(value, "isoformat", lambda v=value: v)())
            for column, value in given.items()
        }

    def sql(self, query: str, *args: Any) -> list[Any]:
        """Return the rows of a statement on a connection of its own."""
        return self.with_connection(lambda connection: connection.fetch(query, *args))

    def count(self, dsn: str, query: str) -> int:
        """Return the number that a statement gives on another database."""

        async def run() -> int:
            connection = await asyncpg.connect(dsn)
            try:
                return await connection.fetchval(query)
            finally:
                await connection.close()

        return self.run(run())

    def downgrade(self, dsn: str) -> None:
        """Take all migrations back."""

        def down(connection: Any) -> None:
            config = alembic_runs.config_of(self.name)
            config.attributes["connection"] = connection
            command.downgrade(config, "base")

        async def run() -> None:
            async with alembic_runs.engine_of(dsn).begin() as connection:
                await connection.run_sync(down)

        self.run(run())

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Give the statements that the service reads with from now on."""
        database = self.app.state.runtime.database
        seen: list[str] = []
        fetch = database.fetch

        async def watched(query: str, *args: Any) -> Any:
            seen.append(query)
            return await fetch(query, *args)

        database.fetch = watched
        try:
            yield seen
        finally:
            del database.fetch

    def with_connection(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        async def run() -> Any:
            connection = await asyncpg.connect(self.settings.database_dsn)
            try:
                return await work(connection)
            finally:
                await connection.close()

        return self.run(run())


@contextmanager
def served(name: str, settings: Settings) -> Iterator[str]:
    """Serve a service on a real socket in a thread, and give its URL."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    logs.configure(name)
    server = server_of(name, settings)
    listening = listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        root.handlers, root.level = handlers, level


@contextmanager
def scratch_database(server: str, name: str) -> Iterator[str]:
    """Make a database with a name of its own, and remove it."""
    database = f"t_{name.replace('-', '_')}_{secrets.token_hex(4)}"

    async def command(statement: str) -> None:
        connection = await asyncpg.connect(server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(command(f"CREATE DATABASE {database}"))
    try:
        yield with_database(server, database)
    finally:
        asyncio.run(command(f"DROP DATABASE {database} WITH (FORCE)"))


def with_database(dsn: str, database: str) -> str:
    """Return the DSN with another database."""
    head, _, query = dsn.partition("?")
    base = head.rsplit("/", 1)[0]
    return f"{base}/{database}" + (f"?{query}" if query else "")
