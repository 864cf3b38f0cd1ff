"""All that the coverage check does: it runs every service's suite, a few at a time, and one of its own."""

import asyncio
from pathlib import Path

from certify.api import Context, Duration, Service
from certify_checks.coverage.decoy import write_decoy
from certify_checks.coverage.model import CoverageConfig, CoverageObservation, SuiteRun
from certify_checks.coverage.suite import Plan, run_suite
from certify_checks.coverage.together import with_shared


async def observe(ctx: Context, config: CoverageConfig) -> CoverageObservation:
    """Run all suites, the largest first, so that no long one is left for the end."""
    if ctx.source_root is None:
        return CoverageObservation()
    root = ctx.source_root.resolve()
    if config.omit:
        ctx.weaken("omitted-source", f"coverage does not count {', '.join(config.omit)}")
    suites = next((folder for folder in config.suites if (root / folder).is_dir()), "")
    gate, done, total = asyncio.Semaphore(max(1, config.parallel)), 0, len(ctx.stack.services)

    async def measure(service: Service) -> SuiteRun:
        nonlocal done
        async with gate:
            result = await run_suite(service, _plan(ctx, config, root, service, suites))
        done += 1
        ctx.tell(f"suite of {service.name}", done, total)
        return result

    queue = sorted(ctx.stack.services, key=lambda service: -_weight(root, service, suites))
    decoy, *ran = await asyncio.gather(_measure_decoy(ctx, config), *(measure(service) for service in queue))
    homes = {run.service: _home(ctx, run.service) for run in ran}
    runs = await asyncio.to_thread(with_shared, ran, homes, root, config.shared)
    order = {service.name: number for number, service in enumerate(ctx.stack.services)}
    return CoverageObservation(tuple(sorted(runs, key=lambda run: order[run.service])), decoy)


async def _measure_decoy(ctx: Context, config: CoverageConfig) -> SuiteRun:
    """With as many processes as the suite that has most, because that is how the sensor could be blind."""
    root = (ctx.scratch / "decoy").resolve()
    service = write_decoy(root)
    workers = min(2, max(config.workers.values(), default=0))
    alone = CoverageConfig(without=config.without, timeout=Duration("60 s"))
    return await run_suite(service, Plan(root, root / "home", ctx.evidence / "decoy.log", alone, workers=workers))


def _plan(ctx: Context, config: CoverageConfig, root: Path, service: Service, suites: str) -> Plan:
    log = ctx.evidence / f"{service.name}.log"
    return Plan(root, _home(ctx, service.name), log, config, suites, config.workers.get(service.name, 0))


def _home(ctx: Context, service: str) -> Path:
    return (ctx.scratch / "suites" / service).resolve()


def _weight(root: Path, service: Service, suites: str) -> int:
    """Size of the tests in bytes, as a guess at how long they take."""
    paths = [root / word.replace("{suites}", suites) for word in service.tests.split()[1:]]
    return sum(file.stat().st_size for path in paths if path.is_dir() for file in path.rglob("*.py"))
