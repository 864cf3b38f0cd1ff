"""Observes a running stack: the SDL of its subgraphs, their entities, and what the gateway serves."""

import graphql as gql
import msgspec

from certify.api import Context, Service
from certify_checks.federation import collect, files
from certify_checks.federation.crossings import cross
from certify_checks.federation.entities import resolve
from certify_checks.federation.exercise import Plan, exercise
from certify_checks.federation.harvest import Ask, Asker, harvest, roots
from certify_checks.federation.look import FederationConfig, Found, look, roots_of
from certify_checks.federation.model import Call, Crossing, FederationSeen, Fetched, Resolved
from certify_checks.federation.sdl import document_of, parse_all
from certify_checks.http import Client

# Who may do most goes first.
_ROLES = ("admin", "service")


async def observe(ctx: Context, config: FederationConfig) -> FederationSeen:
    """Collect, compose, plant decoys, compare, look at the gateway, and call what it serves."""
    services = tuple(service for service in ctx.stack.services if service.graphql)
    async with Client(ctx, timeout=config.request_time.seconds) as client:
        bearer = await collect.token(client)
        ctx.tell("collecting schemas", 0, len(services))
        found = await collect.subgraphs(client, services, bearer)
        served, text = await collect.gateway(client, ctx.stack.gateway, bearer)
        ctx.write_evidence("gateway.graphql", text)
        if config.subgraphs:
            found = files.compared(found, files.read(roots_of(ctx)[-1] / config.subgraphs))
        seen = await look(ctx, config, found)
        told = await _call(ctx, config, client, services, found)
    return msgspec.structs.replace(
        seen, gateway=served, resolved=told.resolved, calls=told.calls, crossings=told.crossings
    )


class Told(msgspec.Struct, frozen=True):
    """What the gateway and the subgraphs answered."""

    resolved: tuple[Resolved, ...] = ()
    calls: tuple[Call, ...] = ()
    crossings: tuple[Crossing, ...] = ()


async def _call(
    ctx: Context, config: FederationConfig, client: Client, services: tuple[Service, ...], found: Found
) -> Told:
    """Ask the gateway for everything, and each subgraph for its entities."""
    public = ctx.evidence / "public.graphql"
    document = document_of(public.read_text(encoding="utf-8")) if public.is_file() else None
    if document is None or ctx.stack.gateway is None or not ctx.wants("keys", "implemented", "served"):
        return Told()
    roles = (*_ROLES, *client.roles())
    schema = gql.build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    wanted, ask = roots(schema), Asker(client, ctx.stack.gateway, roles)
    schemas = parse_all((about.name, sdl) for about, sdl in found if about.state is Fetched.OK)
    crossings = await cross(ask, schemas, wanted) if ctx.wants("served") else ()
    if not ctx.wants("keys", "implemented"):
        return Told(crossings=crossings)
    ctx.tell("asking for everything", 0, len(wanted))
    gathered = await harvest(ask, wanted)
    calls: tuple[Call, ...] = ()
    # What is made on the way gives entities to resolve, so it goes first.
    if ctx.wants("implemented") or ctx.stack.disposable:
        for field, reason in config.left_out.items():
            ctx.weaken("left-out", f"{field} is not called: {reason}")
        plan = Plan(config.values, config.left_out, ctx.stack.disposable, ctx.seed)
        owners = {f"{root}.{field}": about.name for about, sdl in found for root, field in _fields(about.name, sdl)}
        calls = tuple(
            msgspec.structs.replace(call, subgraph=owners.get(call.field, ""))
            for call in await exercise(ask, schema, wanted, gathered, plan)
        )
    if not ctx.wants("keys"):
        return Told((), calls, crossings)
    ctx.tell("resolving every key")
    asks: dict[str, Ask] = {service.name: Asker(client, service, roles) for service in services}
    return Told(await resolve(asks, schemas, gathered[0]), calls, crossings)


def _fields(name: str, sdl: str) -> list[tuple[str, str]]:
    """(`Query`, field) of every root field in a subgraph."""
    schemas = parse_all([(name, sdl)])
    return [
        (root.title(), field)
        for schema in schemas
        for root, kind in schema.roots.items()
        for field in (schema.types[kind].fields if kind in schema.types else ())
    ]
