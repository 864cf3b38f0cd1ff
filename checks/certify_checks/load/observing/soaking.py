"""Watches what the parts of a stack hold while a load lasts; a process of our own that grows shows that growth would be seen."""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from certify.api import Context, Service, parse_quantity
from certify_checks.children import die_with_parent
from certify_checks.load.config import LoadConfig
from certify_checks.load.holdings import KINDS, Holding, Soak
from certify_checks.load.observing.belongings import Look, ceilings, look
from certify_checks.load.observing.contained import Engine, Known
from certify_checks.load.observing.neighbours import snapshot

RULE = "leaks"
DECOY = "a process of ours"
LOOKS = 150  # in a whole run; more often would disturb what is measured
_OFTEN, _SELDOM = 0.5, 5.0  # seconds between looks
_STEPS, _STEP_BYTES = 4, 1 << 18
# Once told to, takes some of each kind, holds it, and ends with its standard input.
_DECOY = f"""
import os, socket, sys, threading, time
kept = []
os.write(1, b".")
sys.stdin.read(1)
for step in range({_STEPS}):
    time.sleep(0.4)
    kept += [bytearray(os.urandom({_STEP_BYTES})), open(os.devnull), socket.socket()]
    threading.Thread(target=time.sleep, args=(1 << 20,), daemon=True).start()
sys.stdin.read()
os._exit(0)
"""
PLANTED = {"memory": _STEPS * _STEP_BYTES * 3 // 4, "handles": 2 * _STEPS, "connections": _STEPS, "threads": _STEPS}


class Watch:
    """Looks at all parts again and again; `soak` is what was seen so far."""

    def __init__(self, roots: Mapping[str, int], elsewhere: Mapping[str, Known], engine: Engine | None) -> None:
        self._roots, self._elsewhere, self._engine = roots, elsewhere, engine
        self._seen: dict[str, list[tuple[int, Look]]] = {name: [] for name in (*roots, *elsewhere)}
        self.began = time.monotonic()
        self.cost_us = 0

    def look(self) -> None:
        """Once at each part."""
        began = time.thread_time_ns()
        table = snapshot()
        at_us = self.since(time.monotonic())
        found: dict[str, Look | None] = {name: look(pid, table=table) for name, pid in self._roots.items()}
        if self._engine and self._elsewhere:
            found |= self._engine.look(self._elsewhere)
        for name, one in found.items():
            if one:
                self._seen[name].append((at_us, one))
        self.cost_us += (time.thread_time_ns() - began) // 1000

    def since(self, moment: float) -> int:
        """Microseconds from when this began to a `time.monotonic()`."""
        return round((moment - self.began) * 1e6)

    def holding(self, name: str, known: Mapping[str, int]) -> Holding:
        """All that was seen of one part, with the ceilings that are known of it."""
        looks = self._seen[name]
        why = {kind: reason for _, one in looks for kind, reason in one.unknown.items()}
        held = {kind: tuple(one.held[kind] for _, one in looks) for kind in KINDS if kind not in why} if looks else {}
        starts = len(dict.fromkeys(one.identity for _, one in looks))
        return Holding(name, tuple(at for at, _ in looks), held, dict(known), why, starts)


class Soaking:
    """What comes of watching; `seen` is there when it has ended. Nobody looks before the load has begun."""

    def __init__(self) -> None:
        self.seen = Soak(missing="nobody asked for it")
        self.began = 0.0
        self.loading = asyncio.Event()

    def begin(self, seconds: float = 0.0) -> None:
        """The load began so long ago; whoever says so again later is not heard."""
        if not self.loading.is_set():
            self.began = time.monotonic() - seconds
            self.loading.set()


@asynccontextmanager
async def soaking(ctx: Context, config: LoadConfig, plan: Mapping[str, Any]) -> AsyncIterator[Soaking]:
    """Watch while the body makes its load, as `plan` says how long that is."""
    told = Soaking()
    if not ctx.wants(RULE):
        yield told
        return
    # One without a process is among them: it must not be missed only because it is gone.
    parts = [part for part in (*ctx.stack.services, ctx.stack.gateway) if part]
    if not any(part.pid or part.container for part in parts):
        told.seen = Soak(missing="no service's process or container is known")
        yield told
        return
    ctx.weaken(
        "soaked", f"{config.shape or 'the only shape'}: watched for leaks over {plan['hold']:g} s, not over 24 h"
    )
    whole = plan["ramp"] + plan["warmup"] + plan["hold"]
    async with _watching(parts, config, told, whole) as (watch, known):
        yield told
    told.seen = Soak(
        parts=tuple(watch.holding(part.name, known[part.name]) for part in parts),
        from_us=watch.since((told.began or time.monotonic()) + plan["ramp"] + plan["warmup"]),
        decoy=watch.holding(DECOY, {}),
        planted=PLANTED,
        over_us=config.lasting.microseconds,
        cost_us=watch.cost_us,
    )


@asynccontextmanager
async def _watching(
    parts: list[Service], config: LoadConfig, told: Soaking, seconds: float
) -> AsyncIterator[tuple[Watch, dict[str, dict[str, int]]]]:
    contained = [part for part in parts if part.container and part.container.id]
    async with contextlib.AsyncExitStack() as exits:
        engine, known = None, dict[str, Known]()
        if contained and contained[0].container:
            engine = await asyncio.to_thread(Engine, contained[0].container.engine)
            exits.callback(engine.close)
            known = await asyncio.to_thread(engine.known, contained)
        roots = {part.name: part.pid for part in parts if part.pid}
        roots |= {name: one.pid for name, one in known.items() if one.pid}
        elsewhere = {name: one for name, one in known.items() if name not in roots}
        decoy = exits.enter_context(_decoy())
        gone = {part.name: 0 for part in parts if part.name not in {*elsewhere, *roots}}
        watch = Watch({**roots, **gone, DECOY: decoy.pid}, elsewhere, engine)
        watch.look()
        _grow(decoy)
        looking = asyncio.create_task(_look_again(watch, told, seconds))
        try:
            yield watch, {part.name: _most(part.name, roots, known, config) for part in parts}
        finally:
            looking.cancel()
            await asyncio.wait({looking})
        if not looking.cancelled():
            looking.result()


async def _look_again(watch: Watch, told: Soaking, seconds: float) -> None:
    """From when the load begins, which may be when its last worker has come, to its end: users who leave give back what they held."""
    await told.loading.wait()
    pause, until = min(max(seconds / LOOKS, _OFTEN), _SELDOM), told.began + seconds
    while time.monotonic() + pause < until:
        await asyncio.sleep(pause)
        await asyncio.to_thread(watch.look)


def _most(name: str, roots: Mapping[str, int], known: Mapping[str, Known], config: LoadConfig) -> dict[str, int]:
    """A part's ceilings: what the kernel and the engine enforce, else what the profile declares."""
    enforced = ceilings(roots[name]) if name in roots else {}
    given = known[name].ceilings if name in known else {}
    declared = config.memory_of.get(name) or config.memory
    memory = {"memory": parse_quantity(declared).value} if declared else {}
    threads = [most["threads"] for most in (enforced, given) if "threads" in most]
    return memory | enforced | given | ({"threads": min(threads)} if threads else {})


@contextlib.contextmanager
def _decoy() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _DECOY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - it calls nothing that another thread could hold
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - asked for above
            process.stdout.read(1)
            yield process
        finally:
            process.kill()


def _grow(decoy: subprocess.Popen[bytes]) -> None:
    """Only now: what it took before the first look would not be seen."""
    assert decoy.stdin is not None  # noqa: S101 - asked for where it was started
    with contextlib.suppress(OSError):
        decoy.stdin.write(b".")
        decoy.stdin.flush()
