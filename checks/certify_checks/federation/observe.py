"""Observes a running stack: SDL of every subgraph, their composition, and what the gateway serves."""

from urllib.parse import quote

import msgspec

from certify.api import CheckConfig, Context, Duration
from certify_checks.federation import collect
from certify_checks.federation.composition import NOT_RUN, describe, plant
from certify_checks.federation.coordinates import of_sdl
from certify_checks.federation.engine import Answer, Source, compose
from certify_checks.federation.model import Composed, Composition, Decoy, FederationSeen, Subgraph
from certify_checks.http import Client


class FederationConfig(CheckConfig, frozen=True):
    """How long the composition engine and each request may take."""

    engine_time: Duration = Duration("30 s")
    request_time: Duration = Duration("10 s")


async def observe(ctx: Context, config: FederationConfig) -> FederationSeen:
    """Collect, compose, plant decoys, and look at the gateway."""
    services = tuple(service for service in ctx.stack.services if service.graphql)
    async with Client(ctx, timeout=config.request_time.seconds) as client:
        bearer = await collect.token(client)
        ctx.tell("collecting schemas", 0, len(services))
        found = await collect.subgraphs(client, services, bearer)
        served, text = await collect.gateway(client, ctx.stack.gateway, bearer)
    about = _keep(ctx, found)
    ctx.write_evidence("gateway.graphql", text)
    sources = collect.sources(found)
    ctx.tell("composing", len(sources), len(services))
    whole = bool(sources) and len(sources) == len(services)
    composition, decoys, public = await composed(ctx, sources, about, config) if whole else (NOT_RUN, (), {})
    return FederationSeen(about, composition, decoys, public, served)


async def composed(
    ctx: Context, sources: tuple[Source, ...], about: tuple[Subgraph, ...], config: FederationConfig
) -> tuple[Composition, tuple[Decoy, ...], dict[str, str]]:
    """Compose `sources`, keep request and result as evidence; also the public schema's coordinates."""
    ctx.write_evidence("request.json", msgspec.json.format(msgspec.json.encode({"subgraphs": sources})))
    seconds = config.engine_time.seconds
    answer = await compose(sources, seconds=seconds)
    decoys = await plant(sources, seconds) if answer.state in {Composed.COMPOSED, Composed.REFUSED} else ()
    for name, text in (("supergraph.graphql", answer.supergraph), ("public.graphql", answer.public)):
        ctx.write_evidence(name, text)
    seen = describe(answer, sources, {subgraph.name: subgraph.file for subgraph in about})
    return seen, decoys, _public(answer)


def _public(answer: Answer) -> dict[str, str]:
    return of_sdl(answer.public) if answer.public else {}


def _keep(ctx: Context, found: list[tuple[Subgraph, str]]) -> tuple[Subgraph, ...]:
    """Write each SDL as evidence, under a name that no service can choose to lead elsewhere."""
    kept = []
    for number, (subgraph, sdl) in enumerate(found, 1):
        file = f"sdl/{number:02}-{quote(subgraph.name, safe='')[:80]}.graphql" if sdl else ""
        if file:
            ctx.write_evidence(file, sdl)
        kept.append(msgspec.structs.replace(subgraph, file=file))
    return tuple(kept)
