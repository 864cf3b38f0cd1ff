"""Observes a load: logs in, picks values, lets the generator run in a process of its own, reads its files."""

import asyncio
import contextlib
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from certify.api import Context, Service
from certify_checks.children import die_with_parent, end
from certify_checks.http import Client, LoginError, bearer
from certify_checks.load import counting
from certify_checks.load.calibration import calibration_server
from certify_checks.load.config import LoadConfig, Operation, Shape
from certify_checks.load.model import LoadSeen
from certify_checks.load.neighbours import foreign_ppm, snapshot
from certify_checks.load.reading import SUMMARY, read, sent
from certify_checks.load.tally import CALIBRATION, REQUESTS
from certify_checks.picks import Pick, PickError, find

GENERATOR = (sys.executable, "-P", "-m", "certify_checks.load.generator")
GRACE = 45.0  # seconds beyond the planned ones until a generator that does not end is killed
QUICK_RAMP = 3.0


class _UnusableError(Exception):
    """No load can be made: a reason code, and why."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


async def observe(ctx: Context, config: LoadConfig) -> LoadSeen:
    """Run the load that `config` describes."""
    hold = config.quick_hold if ctx.quick and config.quick_hold.seconds < config.hold.seconds else config.hold
    if hold != config.hold:
        ctx.weaken("shortened", f"{config.shape or 'the only shape'}: hold {hold} instead of {config.hold}")
    timeout_us = config.timeout.microseconds
    seen = LoadSeen(config.shape, config.users, hold.microseconds, timeout_us, quick=hold != config.hold)
    try:
        shape, gateway = _asked(ctx, config)
        looked_at = {name: replace(effect, role=effect.role or config.role) for name, effect in shape.effects.items()}
        plan = await _plan(ctx, config, shape, gateway) | {"hold": hold.seconds}
        if hold != config.hold:
            plan["ramp"] = min(plan["ramp"], QUICK_RAMP)
        sums = await counting.sums(ctx, looked_at)
        before = snapshot()
        folder = await _generate(ctx, plan)
        foreign = foreign_ppm(before, snapshot(), [part.pid for part in (*ctx.stack.services, gateway) if part.pid])
    except _UnusableError as error:
        return replace(seen, unusable=error.reason, detail=str(error))
    names = [operation.name for operation in shape.operations]
    operations, calibration, generator = read(folder, names)
    generator = replace(generator, foreign_ppm=foreign)
    effects = await counting.count(ctx, looked_at, sent(folder, names), sums) if looked_at else ()
    repeating = {operation.name for operation in shape.operations if operation.twice}
    effects = tuple(replace(effect, to_repeat=effect.operation in repeating) for effect in effects)
    return replace(seen, operations=operations, calibration=calibration, generator=generator, effects=effects)


def _asked(ctx: Context, config: LoadConfig) -> tuple[Shape, Service]:
    shape, gateway = config.chosen(), ctx.stack.gateway
    if shape is None:
        known = ", ".join(sorted(config.shapes)) or "none"
        raise _UnusableError("unknown-shape", f"there is no shape {config.shape!r}; the profile has: {known}")
    if not any(operation.weight > 0 for operation in shape.operations) or config.users < 1:
        raise _UnusableError("no-operations", "the shape has no operation with a weight, or there are no users")
    if gateway is None or not gateway.url:
        raise _UnusableError("no-gateway", "the stack has no gateway with an address")
    return shape, gateway


async def _plan(ctx: Context, config: LoadConfig, shape: Shape, gateway: Service) -> dict[str, Any]:
    """The generator's configuration, apart from where it runs."""
    parts: tuple[Operation | Pick, ...] = (*shape.operations, *shape.picks.values())
    roles = {part.role or config.role for part in parts}
    async with Client(ctx, timeout=config.timeout.seconds) as client:
        try:
            tokens = {role: await client.token(role) for role in sorted(roles)}
        except LoginError as error:
            raise _UnusableError("login-failed", str(error)) from error
        try:
            values = await find(client, shape.picks, config.role)
        except PickError as error:
            raise _UnusableError("pick-failed", str(error)) from error
    sent = {"Content-Type": "application/json"}
    operations = [
        msgspec.to_builtins(operation) | {"headers": sent | bearer(tokens[operation.role or config.role])}
        for operation in shape.operations
    ]
    times = {name: getattr(config, name).seconds for name in ("ramp", "warmup", "think_min", "think_max", "timeout")}
    target = {"url": gateway.url.rstrip("/"), "path": "/" + (gateway.graphql or "/graphql").lstrip("/")}
    run = f"{time.time_ns():x}"
    asked = {"operations": operations, "values": values, "users": config.users, "seed": ctx.seed, "run": run}
    return target | times | asked


async def _generate(ctx: Context, plan: dict[str, Any]) -> Path:
    """Let the generator run; its files become evidence. The configuration holds tokens and stays in the scratch folder."""
    folder = ctx.scratch / "load"
    folder.mkdir(mode=0o700, parents=True)
    seconds = plan["ramp"] + plan["warmup"] + plan["hold"]
    async with calibration_server() as address:
        path = folder / "config.json"
        path.write_text(json.dumps(plan | {"folder": str(folder), "calibration_url": address}), encoding="utf-8")
        code = await _run(ctx, path, folder / "generator.log", seconds)
    for name in (REQUESTS, CALIBRATION, SUMMARY, "generator.log"):
        if (folder / name).exists():
            shutil.copyfile(folder / name, ctx.evidence / name)
    if code or not (folder / SUMMARY).exists():
        tail = (folder / "generator.log").read_text(encoding="utf-8", errors="replace")[-500:]
        raise _UnusableError("generator-failed", f"the generator ended with code {code}: {tail}")
    return folder


async def _run(ctx: Context, config: Path, log: Path, seconds: float) -> int | None:
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *GENERATOR, config, stdout=asyncio.subprocess.PIPE, stderr=errors, preexec_fn=die_with_parent()
        )
    try:
        async with asyncio.timeout(seconds + GRACE):
            await _follow(ctx, process, round(seconds))
            return await process.wait()
    except TimeoutError:
        return None
    finally:
        await end(process)


async def _follow(ctx: Context, process: asyncio.subprocess.Process, total: int) -> None:
    assert process.stdout is not None  # noqa: S101 - asked for above
    async for line in process.stdout:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            ctx.tell(f"{told['requests']} requests", min(int(told["second"]), total), total)
