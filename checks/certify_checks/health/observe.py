"""All that the health check does: it asks probes, reads migration files, and reads version tables."""

import asyncio

import httpx

from certify.api import Capability, Context, Service
from certify_checks.health.model import HealthConfig, HealthObservation, Migrated, Probed
from certify_checks.health.probe import Pace, prober, watch, watch_decoys
from certify_checks.health.versions import read_applied, read_source


async def observe(ctx: Context, config: HealthConfig) -> HealthObservation:
    """Watch all probes and the decoys over the same window, and read the state of all databases meanwhile."""
    pace = Pace.of(config)
    targets = [*ctx.stack.services, *([ctx.stack.gateway] if ctx.stack.gateway else [])]
    ctx.tell(f"asking {len(targets)} services for {config.window}")
    probes = [(service, probe) for service in targets for probe in config.probes]
    async with prober() as client:
        probed, decoys, migrated = await asyncio.gather(
            asyncio.gather(*(_watch(client, service, probe, pace) for service, probe in probes)),
            watch_decoys(client, pace),
            asyncio.gather(*(_migrated(ctx, service) for service in ctx.stack.services if service.database)),
        )
    return HealthObservation(
        window_us=config.window.microseconds,
        interval_us=config.interval.microseconds,
        probed=tuple(probed),
        decoys=decoys,
        migrated=tuple(migrated),
    )


async def _watch(client: httpx.AsyncClient, service: Service, probe: str, pace: Pace) -> Probed:
    path = {"live": service.probes.live, "ready": service.probes.ready}.get(probe, "")
    return await watch(client, Probed(service.name, probe, path, up=bool(service.url)), service.url, pace)


async def _migrated(ctx: Context, service: Service) -> Migrated:
    offered = {Capability.SOURCE, Capability.SQL} <= ctx.capabilities
    if not offered or ctx.source_root is None:
        return Migrated(service.name, error="needs the source and the database")
    source = await asyncio.to_thread(read_source, service, ctx.source_root)
    return await read_applied(source, service.database)
