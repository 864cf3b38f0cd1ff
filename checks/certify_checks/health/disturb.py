"""Cutting services from what they stand on, watching their probes meanwhile, and giving all of it back."""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from msgspec.structs import replace

from certify.api import Action, Capability, Context, DisruptionRefusedError, Service, clip
from certify_checks.health.disturbance import BROKER, DATABASE, Disturbance, Watched, was_ready
from certify_checks.health.model import HealthConfig
from certify_checks.health.probe import Prober, address, ask
from certify_checks.health.samples import Sample

INTERVAL = 0.2
LIVE_INTERVAL = 0.4
LIVE_SAMPLES = 3
CONSECUTIVE = 2
_REACH = 1.0
_AT_ONCE = 16
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)


@dataclass
class _Undo:
    """What the driver was asked, and what it would not do, by service; the empty name is the shared part."""

    refused: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def refusal(self, service: str) -> str:
        """Why the service was not cut; empty when it was."""
        return self.refused.get(service) or self.refused.get("", "")


async def cut_databases(ctx: Context, config: HealthConfig, prober: Prober) -> Disturbance:
    """Cut every service from its database at the same time, and watch."""
    services = [service for service in _probed(ctx) if service.database]
    if not services:
        return Disturbance(DATABASE, absent="no service that has a ready probe has a database")
    ctx.tell(f"cutting {len(services)} services from their databases")
    return await _disturbed(_Watch(ctx, config, prober, DATABASE, services), _cut(ctx, services), _reach_database)


async def pause_broker(ctx: Context, config: HealthConfig, prober: Prober) -> Disturbance:
    """Pause the broker, and watch the services that need it."""
    part = ctx.stack.parts.get("broker", "")
    if not part or Capability.KAFKA not in ctx.capabilities:
        return Disturbance(BROKER, absent="the stack has no broker that can be paused")
    needed = config.broker_dependents
    services = [service for service in _probed(ctx) if not needed or service.name in needed]
    if not services:
        return Disturbance(BROKER, absent="no service that has a ready probe needs the broker")
    ctx.tell(f"pausing the broker under {len(services)} services")

    async def reach(_: Service) -> bool:
        return await reach_broker(ctx.stack.broker)

    return await _disturbed(_Watch(ctx, config, prober, BROKER, services), _paused(ctx, part), reach)


def _probed(ctx: Context) -> list[Service]:
    return [service for service in ctx.stack.services if service.url and service.probes.ready]


@asynccontextmanager
async def _cut(ctx: Context, services: Iterable[Service]) -> AsyncIterator[_Undo]:
    undo, begun, some = _Undo(), list[str](), asyncio.Semaphore(_AT_ONCE)

    async def do(action: Action, name: str, refusals: dict[str, str]) -> None:
        async with some:
            if action is Action.CUT:
                # Before it is done: whoever is cancelled meanwhile must give back what may have been taken.
                begun.append(name)
            try:
                await ctx.disturb(action, name, DATABASE)
            except DisruptionRefusedError as error:
                refusals[name] = clip(str(error), 300)

    try:
        await asyncio.gather(*(do(Action.CUT, service.name, undo.refused) for service in services))
        yield undo
    finally:
        cut = [name for name in begun if name not in undo.refused]
        await asyncio.gather(*(do(Action.MEND, name, undo.left) for name in cut))


@asynccontextmanager
async def _paused(ctx: Context, part: str) -> AsyncIterator[_Undo]:
    undo = _Undo()
    try:
        await ctx.disturb(Action.PAUSE, part)
    except DisruptionRefusedError as error:
        undo.refused[""] = clip(str(error), 300)
        yield undo
        return
    try:
        yield undo
    finally:
        try:
            await ctx.disturb(Action.RESUME, part)
        except DisruptionRefusedError as error:
            undo.left[""] = clip(str(error), 300)


@dataclass
class _Watch:
    """What is watched, and how."""

    ctx: Context
    config: HealthConfig
    prober: Prober
    of: str
    services: list[Service]

    async def until(self, service: Service, *, well: bool) -> tuple[Sample, ...]:
        """Ask the ready probe until it says so twice running, or the patience is over."""
        patience = (self.config.recovery if well else self.config.patience).seconds
        return await self._ask(service, patience, lambda samples: _settled(samples, well=well))

    async def brief(self, service: Service) -> tuple[Sample, ...]:
        """Ask the ready probe twice, or as long as it takes for two answers that it is well."""
        return await self._ask(service, 0.0, lambda samples: len(samples) >= CONSECUTIVE)

    async def _ask(
        self, service: Service, patience: float, enough: Callable[[list[Sample]], bool]
    ) -> tuple[Sample, ...]:
        where, samples, began = address(service.url, service.probes.ready), list[Sample](), time.perf_counter()
        while True:
            samples.append(await ask(self.prober, where, began, self.config.timeout.seconds))
            late = time.perf_counter() - began >= patience
            if enough(samples) or (late and len(samples) >= CONSECUTIVE):
                return tuple(samples)
            await asyncio.sleep(INTERVAL)

    async def live(self, service: Service, over: asyncio.Event) -> tuple[Sample, ...]:
        """Ask the live probe until the others have seen enough, three times at least."""
        where, samples, began = address(service.url, service.probes.live), list[Sample](), time.perf_counter()
        while service.probes.live and (len(samples) < LIVE_SAMPLES or not over.is_set()):
            samples.append(await ask(self.prober, where, began, self.config.timeout.seconds))
            await asyncio.sleep(LIVE_INTERVAL)
        return tuple(samples)


def _settled(samples: list[Sample], *, well: bool) -> bool:
    last = samples[-CONSECUTIVE:]
    return len(last) == CONSECUTIVE and all(bool(sample.trouble) is not well for sample in last)


async def _disturbed(
    watch: _Watch,
    disturbing: contextlib.AbstractAsyncContextManager[_Undo],
    reach: Callable[[Service], Awaitable[bool]],
) -> Disturbance:
    before = dict(zip(_names(watch), await asyncio.gather(*map(watch.brief, watch.services)), strict=True))
    async with disturbing as undo:
        # What was not ready before says nothing by not being ready now: nobody waits for it.
        cut = [s for s in watch.services if not undo.refusal(s.name) and was_ready(Watched(s.name, before[s.name]))]
        seen = await _during(watch, cut, reach)
    after = await asyncio.gather(*(watch.until(service, well=True) for service in cut))
    back = dict(zip((service.name for service in cut), after, strict=True))
    watched = (
        replace(
            seen.get(name, Watched(name)),
            before=before[name],
            after=back.get(name, ()),
            refused=undo.refusal(name),
            left=undo.left.get(name) or undo.left.get("", ""),
        )
        for name in _names(watch)
    )
    patience, recovery = watch.config.patience.microseconds, watch.config.recovery.microseconds
    return Disturbance(watch.of, tuple(watched), patience_us=patience, recovery_us=recovery)


async def _during(
    watch: _Watch, services: list[Service], reach: Callable[[Service], Awaitable[bool]]
) -> dict[str, Watched]:
    over = asyncio.Event()
    living = asyncio.gather(*(watch.live(service, over) for service in services))
    try:
        said, reached = await asyncio.gather(
            asyncio.gather(*(watch.until(service, well=False) for service in services)),
            asyncio.gather(*map(reach, services)),
        )
        over.set()
        live = await living
    finally:
        living.cancel()
    found = zip(services, said, live, reached, strict=True)
    return {s.name: Watched(s.name, during=no, live=alive, reached=could) for s, no, alive, could in found}


def _names(watch: _Watch) -> list[str]:
    return [service.name for service in watch.services]


async def _reach_database(service: Service) -> bool:
    """Whether this very process can connect to the service's database; asked to prove that the cut took effect."""
    try:
        connection = await asyncpg.connect(service.database, timeout=_REACH, command_timeout=_REACH)
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    connection.terminate()
    return True


async def reach_broker(bootstrap: str) -> bool:
    """Whether a broker answers which versions of its protocol it speaks, the one question that all of them know."""
    for where in bootstrap.split(","):
        host, _, port = where.strip().rpartition(":")
        with contextlib.suppress(OSError, TimeoutError, ValueError, EOFError):
            async with asyncio.timeout(_REACH):
                reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
                try:
                    writer.write(_API_VERSIONS)
                    await reader.readexactly(8)
                finally:
                    writer.transport.abort()
                return True
    return False
