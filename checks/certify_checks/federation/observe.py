"""Observes a running stack: the SDL of its subgraphs, and what the gateway serves."""

import msgspec

from certify.api import Context
from certify_checks.federation import collect, files
from certify_checks.federation.look import FederationConfig, look, roots
from certify_checks.federation.model import FederationSeen
from certify_checks.http import Client


async def observe(ctx: Context, config: FederationConfig) -> FederationSeen:
    """Collect, compose, plant decoys, compare, and look at the gateway."""
    services = tuple(service for service in ctx.stack.services if service.graphql)
    async with Client(ctx, timeout=config.request_time.seconds) as client:
        bearer = await collect.token(client)
        ctx.tell("collecting schemas", 0, len(services))
        found = await collect.subgraphs(client, services, bearer)
        served, text = await collect.gateway(client, ctx.stack.gateway, bearer)
    ctx.write_evidence("gateway.graphql", text)
    if config.subgraphs:
        found = files.compared(found, files.read(roots(ctx)[-1] / config.subgraphs))
    seen = await look(ctx, config, found)
    return msgspec.structs.replace(seen, gateway=served)
