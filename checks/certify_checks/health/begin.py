"""Looking back at how the stack started, and whether its processes stay."""

import asyncio
import time

import psutil

from certify.api import Context, Service
from certify_checks.health.beginning import Beginning
from certify_checks.health.logs import read_decoy, read_logs
from certify_checks.health.model import HealthConfig


async def look_back(ctx: Context, config: HealthConfig) -> Beginning:
    """Read what happened and what the logs say of the start, once the youngest process is as old as the window.

    Raises:
        PatternError: the profile allows something that is no regular expression.
    """
    services = [*ctx.stack.services, *([ctx.stack.gateway] if ctx.stack.gateway else [])]
    watched_us, gone = await _stay(ctx, services, config.window.seconds)
    logs = await asyncio.to_thread(read_logs, ctx, config.allow)
    for log in logs:
        for pattern, count in log.allowed.items():
            reason = next(rule.reason for rule in config.allow if rule.pattern == pattern)
            ctx.weaken("allowed-errors", f"{log.part}: {count} error lines at start allowed by {pattern!r}: {reason}")
    return Beginning(
        happened=ctx.stack.happened,
        parts=tuple(service.name for service in services),
        gateway=ctx.stack.gateway.name if ctx.stack.gateway else "",
        gone=gone,
        watched_us=watched_us,
        logs=logs,
        decoy=await asyncio.to_thread(read_decoy, ctx.scratch),
        budget=str(config.start_budget),
    )


async def _stay(ctx: Context, services: list[Service], window: float) -> tuple[int, tuple[str, ...]]:
    """Wait until the youngest process is as old as the window; how old it is in microseconds, and which ended."""
    processes = {service.name: process for service in services if (process := _process(service))}
    if not processes:
        return 0, ()
    youngest = max(process.create_time() for process in processes.values())
    rest = window - (time.time() - youngest)
    if rest > 0:
        ctx.tell(f"watching {len(processes)} processes")
        await asyncio.sleep(rest)
    gone = tuple(name for name, process in processes.items() if not _runs(process))
    return int((time.time() - youngest) * 1_000_000), gone


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _process(service: Service) -> psutil.Process | None:
    """The service's process; None when the driver names none, or it ended before, which the driver then tells itself."""
    try:
        return psutil.Process(service.pid) if service.pid else None
    except psutil.Error:
        return None
