"""Lets the generator run in a process of its own, and keeps its files as evidence."""

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from certify.api import Context, format_quantity
from certify_checks.children import die_with_parent, end
from certify_checks.load.generator.tally import CALIBRATION, FINISHED, REQUESTS
from certify_checks.load.observing.calibration import calibration_server
from certify_checks.load.observing.distribution import Follow, Layout, problem, share
from certify_checks.load.observing.reading import SUMMARY
from certify_checks.load.observing.scripting import blank
from certify_checks.load.observing.sending import longest
from certify_checks.load.observing.unusable import UnusableError

GENERATOR = (sys.executable, "-P", "-m", "certify_checks.load.generator")
GRACE = 45.0  # seconds beyond the planned ones until a generator that does not end is killed


Begun = Callable[[float], None]
"""Called with how many seconds ago a load began."""


async def generate(ctx: Context, plan: dict[str, Any], parts: Layout | None, begun: Begun) -> Path:
    """Let the generator run, as one process or in `parts`; its files become evidence. Once it runs, `begun` hears of it.

    The configuration holds tokens and stays in the scratch folder.

    Raises:
        UnusableError: the generator failed.
    """
    folder = ctx.scratch / "load"
    folder.mkdir(mode=0o700, parents=True)
    seconds = plan["ramp"] + plan["warmup"] + plan["hold"]
    patience = longest(plan) + GRACE
    follow = partial(_follow, ctx, begun=begun, total=round(seconds))
    async with calibration_server() as address:
        path = folder / "config.json"
        path.write_text(json.dumps(plan | {"folder": str(folder), "calibration_url": address}), encoding="utf-8")
        if parts:
            code = await share(ctx, path, parts, seconds + patience, follow)
        else:
            code = await _run(follow, path, folder, seconds + patience)
    blank(folder / "generator.log", plan["tokens"].values())
    for name in (REQUESTS, CALIBRATION, FINISHED, SUMMARY, "generator.log"):
        if (folder / name).exists():
            shutil.copyfile(folder / name, ctx.evidence / name)
    if missing := problem(folder):
        raise missing
    if code or not (folder / SUMMARY).exists():
        tail = (folder / "generator.log").read_text(encoding="utf-8", errors="replace")[-500:]
        raise UnusableError("generator-failed", f"the generator ended with code {code}: {tail}")
    return folder


async def _run(follow: Follow, config: Path, folder: Path, most: float) -> int | None:
    with (folder / "generator.log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *GENERATOR, config, stdout=asyncio.subprocess.PIPE, stderr=errors, preexec_fn=die_with_parent()
        )
    try:
        async with asyncio.timeout(most):
            await follow(process)
            return await process.wait()
    except TimeoutError:
        return None
    finally:
        await end(process)


async def _follow(ctx: Context, process: asyncio.subprocess.Process, begun: Begun, total: int) -> None:
    assert process.stdout is not None  # noqa: S101 - asked for above
    async for line in process.stdout:
        with contextlib.suppress(ValueError, KeyError, TypeError):
            told = json.loads(line)
            begun(float(told["second"]))
            ctx.tell(for_people(told), min(int(told["second"]), total), total)


def for_people(told: Mapping[str, Any]) -> str:
    """One second of a run, as the generator tells it, in one line for people."""
    times = "/".join(format_quantity(int(told[f"p{share}_us"]), "us") for share in (50, 95, 99))
    users, rate, errors = int(told["users"]), format_quantity(int(told["rate"]), "m/s"), int(told["errors"])
    return f"{users:,} users, {rate}, p50/p95/p99 {times}, {errors:,} errors, {int(told['left'])} s left"
