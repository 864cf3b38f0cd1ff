"""Lets many processes make one load: Locust's master, and workers here or elsewhere."""

import asyncio
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from certify.api import Context
from certify_checks.children import die_with_parent, end
from certify_checks.load.config import LoadConfig
from certify_checks.load.generator.distributed.secret import VARIABLE, new_token
from certify_checks.load.observing.unusable import UnusableError

_MODULE = (sys.executable, "-P", "-m")
MASTER = (*_MODULE, "certify_checks.load.generator.distributed.master")
WORKER = (*_MODULE, "certify_checks.load.generator.distributed.worker")
PROBLEM = "problem.json"
LOOPBACK = "127.0.0.1:0"

Follow = Callable[[asyncio.subprocess.Process], Awaitable[None]]


class Layout(NamedTuple):
    """How many workers there are; those that come from elsewhere come to `address`, and know the token."""

    workers: int
    address: str
    token: str
    patience: float

    @property
    def here(self) -> bool:
        """Whether this machine starts them."""
        return self.address == LOOPBACK


def layout(ctx: Context, config: LoadConfig) -> Layout | None:
    """How the load is to be shared, by the command line or else by the profile; None when one process makes all of it.

    Raises:
        UnusableError: the token cannot be read.
    """
    workers = int(ctx.options.get("load-workers") or config.workers)
    address = ctx.options.get("load-master", "")
    patience = config.workers_wait.seconds
    if not address:
        return Layout(workers, LOOPBACK, new_token(), patience) if workers > 1 else None
    try:
        token = Path(ctx.options["load-token-file"]).read_text(encoding="utf-8")
    except (OSError, KeyError) as error:
        raise UnusableError("workers-missing", f"the token of the load's workers cannot be read: {error}") from error
    return Layout(workers, address, token, patience)


async def share(ctx: Context, config: Path, parts: Layout, seconds: float, follow: Follow) -> int | None:
    """Have master and workers make one load; the master's exit code, None when it did not end in time.

    `follow` reads what the master says, until it is silent. `seconds` are those that it may take once all workers are there.
    Logs are written beside `config`, and those of workers are evidence.
    """
    async with contextlib.AsyncExitStack() as stack:
        asked = (*MASTER, config, parts.address, str(parts.workers), str(parts.patience))
        master = await _start(stack, asked, parts.token, config.with_name("generator.log"))
        port = await _listening(master)
        if parts.here and port:
            for number in range(parts.workers):
                command = (*WORKER, f"127.0.0.1:{port}", str(parts.patience))
                await _start(stack, command, parts.token, config.with_name(f"worker-{number}.log"))
        elif port:
            ctx.tell(f"waits for {parts.workers} workers at {parts.address}")
        stack.callback(_keep, config.parent, ctx.evidence)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds + parts.patience):
                await follow(master)
                return await master.wait()
    return None


def _keep(folder: Path, evidence: Path) -> None:
    for log in folder.glob("worker-*.log"):
        shutil.copyfile(log, evidence / log.name)


async def _start(
    stack: contextlib.AsyncExitStack, command: tuple[str | Path, ...], token: str, log: Path
) -> asyncio.subprocess.Process:
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=os.environ | {VARIABLE: token},
            preexec_fn=die_with_parent(),
        )
    stack.push_async_callback(end, process)
    return process


async def _listening(master: asyncio.subprocess.Process) -> int:
    """The port that the master says it listens on; 0 when it ended instead."""
    assert master.stdout is not None  # noqa: S101 - asked for above
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return int(json.loads(await master.stdout.readline())["port"])
    return 0


def problem(folder: Path) -> UnusableError | None:
    """Why the master made no load, if it said so."""
    try:
        told = json.loads((folder / PROBLEM).read_text(encoding="utf-8"))
    except OSError:
        return None
    logs = [path.read_text(encoding="utf-8", errors="replace").strip() for path in sorted(folder.glob("worker-*.log"))]
    said = next((f"; a worker said: {log[-500:]}" for log in logs if log), "")
    return UnusableError(str(told["reason"]), f"{told['detail']}{said}")
