"""The application of any service: its page, wired to settings."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from certify_stack.erp import AUTH, JWKS_PATH
from certify_stack.kit.background import Supervised
from certify_stack.kit.client import Client
from certify_stack.kit.database import Database
from certify_stack.kit.endpoint import GraphQLEndpoint, json_response
from certify_stack.kit.health import readiness
from certify_stack.kit.messaging import Messaging
from certify_stack.kit.model import Service
from certify_stack.kit.observe import Metrics, Observed
from certify_stack.kit.public_keys import PublicKeys
from certify_stack.kit.references import References
from certify_stack.kit.revisions import source_heads
from certify_stack.kit.revocations import Revocations
from certify_stack.kit.runtime import Runtime
from certify_stack.kit.schema import Subgraph, build_schema
from certify_stack.kit.settings import Settings
from certify_stack.kit.tokens import Verifier, load_jwks
from certify_stack.kit.tracing import Tracing

UNREADY = 503


def load_service(name: str) -> Service:
    """Import the page of a service.

    Raises:
        LookupError: There is no such service.
    """
    package = f"certify_stack.erp.{name.replace('-', '_')}"
    try:
        module = importlib.import_module(f"{package}.service")
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith(package):
            raise LookupError(f"there is no service {name!r}") from error
        raise
    service: Service = module.SERVICE
    return service


@cache
def schema_of(name: str) -> Subgraph:
    """Return the subgraph of a service, built once per process; safe to call before a fork."""
    return build_schema(load_service(name))


def create_app(name: str, settings: Settings) -> Starlette:
    """Return the application of the service ``name``.

    Nothing here opens a connection, a loop or a thread, except the span exporter's when an endpoint is set:
    call it in the process that serves.

    Raises:
        LookupError: There is no such service.
        TokenError: The public keys of ``auth`` are unusable.
    """
    service = load_service(name)
    schema = schema_of(name)
    tracing, metrics = Tracing(name, settings.otlp_endpoint), Metrics()
    client, revocations = Client(settings, tracing, metrics), Revocations()
    keys = PublicKeys(load_jwks(settings.auth_public_jwks), partial(client.document, AUTH, JWKS_PATH))
    runtime = Runtime(
        service=service,
        settings=settings,
        database=Database(settings.database_dsn, settings.pool_size, tracing.queries),
        metrics=metrics,
        tracing=tracing,
        verifier=Verifier(keys, settings.issuer, settings.audience, revocations),
        keys=keys,
        revocations=revocations,
        client=client,
        references=References(client),
        entities=schema.builder.load,
    )
    tasks = [Supervised(task, _bound(work, runtime)) for task, work in service.tasks.items()]
    messaging = Messaging(runtime)
    lifespan = _lifespan(runtime, [*tasks, *messaging.tasks], messaging)
    app = Starlette(lifespan=lifespan)
    app.add_middleware(Observed, metrics=runtime.metrics, tracing=tracing)
    app.add_route("/graphql", GraphQLEndpoint(runtime, schema).__call__, methods=["POST"])
    _add_probes(app, runtime, tasks, messaging)
    if service.routes is not None:
        service.routes(app, runtime)
    app.state.runtime, app.state.messaging = runtime, messaging
    return app


def _bound(work: Callable[..., Any], runtime: Runtime) -> Callable[[Supervised], Any]:
    return lambda supervised: work(runtime, supervised)


def _lifespan(runtime: Runtime, tasks: list[Supervised], messaging: Messaging) -> Callable[[Starlette], Any]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await runtime.database.open()
        for task in tasks:
            task.start()
        yield
        await asyncio.gather(*(task.stop() for task in tasks))
        await messaging.close()
        await runtime.client.close()
        await runtime.database.close()
        runtime.tracing.close()

    return lifespan


def _add_probes(app: Starlette, runtime: Runtime, tasks: list[Supervised], messaging: Messaging) -> None:
    name = runtime.service.name
    heads = source_heads(name)

    async def live(_request: Request) -> Response:
        return json_response({"status": "live", "service": name})

    async def ready(_request: Request) -> Response:
        seen = await readiness(runtime.database, heads, tasks, messaging.apart, messaging.stored)
        return json_response(seen.body(name), 200 if seen.ready else UNREADY)

    async def metrics(_request: Request) -> Response:
        return Response(runtime.metrics.render(), headers={"content-type": CONTENT_TYPE_LATEST})

    app.add_route("/health/live", live, methods=["GET"])
    app.add_route("/health/ready", ready, methods=["GET"])
    app.add_route("/metrics", metrics, methods=["GET"])
