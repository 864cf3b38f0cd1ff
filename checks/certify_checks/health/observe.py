"""All that the health check does, for the rules that will be judged: it asks, disturbs, looks back, and reads."""

import asyncio

from msgspec.structs import replace

from certify.api import Capability, Context, Service
from certify_checks.health.begin import look_back
from certify_checks.health.containers import watch_containers
from certify_checks.health.disturb import cut_databases, pause_broker
from certify_checks.health.edges_model import EdgesSeen
from certify_checks.health.edges_observe import observe_edges
from certify_checks.health.migrations import uncompared
from certify_checks.health.model import HealthConfig, HealthObservation, Migrated, Probed
from certify_checks.health.probe import Pace, Prober, prober, watch, watch_decoys
from certify_checks.health.versions import read_applied, read_source


async def observe(ctx: Context, config: HealthConfig) -> HealthObservation:
    """See what the wanted rules look at; what disturbs the stack comes after all that watches it undisturbed.

    Raises:
        PatternError: the profile allows error lines by something that is no regular expression.
    """
    told = ctx.stack.undeclared if ctx.wants("ready") else ()
    seen = HealthObservation(config.window.microseconds, config.interval.microseconds, undeclared=told)
    async with prober() as asking:
        probed, contained, migrated, decoys = await asyncio.gather(
            _probe(ctx, config, asking) if ctx.wants("ready") else _nothing(),
            watch_containers(_targets(ctx), Pace.of(config)) if ctx.wants("ready") else _no_containers(),
            _read(ctx) if ctx.wants("migrations") else _nothing(),
            watch_decoys(asking, Pace.of(config)) if ctx.wants("ready", "truthful") else _nothing(),
        )
        # Only then, because its requests keep a small machine busy, and busy services answer probes late.
        probed, decoys = (*probed, *contained[0]), (*decoys, *contained[1])
        seen = replace(seen, probed=probed, migrated=migrated, decoys=decoys, edges=await _edges(ctx, config))
        if ctx.wants("clean-start"):
            seen = replace(seen, start=await look_back(ctx, config))
        if ctx.wants("truthful"):
            cut = await cut_databases(ctx, config, asking)
            seen = replace(seen, disturbed=(cut, await pause_broker(ctx, config, asking)))
    return seen


async def _edges(ctx: Context, config: HealthConfig) -> EdgesSeen | None:
    return await observe_edges(ctx, config.exercise, config.edges) if ctx.wants("edges") else None


async def _nothing() -> tuple[()]:
    return ()


async def _no_containers() -> tuple[tuple[()], tuple[()]]:
    return (), ()


def _targets(ctx: Context) -> list[Service]:
    return [*ctx.stack.services, *([ctx.stack.gateway] if ctx.stack.gateway else [])]


async def _probe(ctx: Context, config: HealthConfig, asking: Prober) -> tuple[Probed, ...]:
    """Watch all probes over the same window. What runs in a container that is looked at needs no probe by HTTP."""
    pace, targets = Pace.of(config), _targets(ctx)
    ctx.tell(f"asking {len(targets)} services for {config.window}")
    probes = [(service, probe, _path(service, probe)) for service in targets for probe in config.probes]
    asked = [
        watch(asking, Probed(service.name, probe, path, up=bool(service.url)), service.url, pace)
        for service, probe, path in probes
        if path or service.container is None
    ]
    return tuple(await asyncio.gather(*asked))


def _path(service: Service, probe: str) -> str:
    return {"live": service.probes.live, "ready": service.probes.ready}.get(probe, "")


async def _read(ctx: Context) -> tuple[Migrated, ...]:
    databases = [service for service in ctx.stack.services if service.database]
    migrated = tuple(await asyncio.gather(*(_migrated(ctx, service) for service in databases)))
    for one in migrated:
        if not one.error and (count := uncompared(one)):
            ctx.weaken("no-checksums", f"{one.service}: {count} applied migrations have no checksum to compare with")
    return migrated


async def _migrated(ctx: Context, service: Service) -> Migrated:
    offered = {Capability.SOURCE, Capability.SQL} <= ctx.capabilities
    if not offered or ctx.source_root is None:
        return Migrated(service.name, error="needs the source and the database")
    source = await asyncio.to_thread(read_source, service, ctx.source_root)
    return await read_applied(source, service.database)
