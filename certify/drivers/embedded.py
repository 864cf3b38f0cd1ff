"""The embedded driver: a stack that boots itself as local processes, by `python -m MODULE up`.

The launcher speaks JSON lines. It takes everything down when its standard input ends, so that the stack cannot
outlive certify. `python -m MODULE describe` tells where its source and its suites lie, without booting anything.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from certify.drivers.endpoints import Endpoints, declared, join
from certify.drivers.interface import Booted, BootEvent, EnvironmentUnusableError
from certify.model.check import Capability, Disruption, DisruptionRefusedError
from certify.model.escape import visible
from certify.model.stack import Stack
from certify.processes import die_with_parent
from certify.profile.model import StackSpec

_DESCRIBE_SECONDS = 30.0
_STOP_SECONDS = 15.0
_CURE = "the reference stack comes with: pip install 'certify[stack]'"
_LINE = 16 * 1024 * 1024


class Place(msgspec.Struct, frozen=True):
    """Where a reference stack lies: `root` of its source, folder of its `suites`."""

    root: str
    suites: str = ""


def describe(module: str) -> Place:
    """Ask a stack where it lies.

    Raises:
        EnvironmentUnusableError: it is not installed or does not answer.
    """
    command = [sys.executable, "-m", module, "describe"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_DESCRIBE_SECONDS, check=True)
        return msgspec.json.decode(done.stdout, type=Place)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError) as error:
        detail = (
            visible(getattr(error, "stderr", b"")[-300:].decode(errors="replace")) if hasattr(error, "stderr") else ""
        )
        raise EnvironmentUnusableError(
            f"the stack {module} does not answer `describe`: {detail or error}; is it installed?\ncure: {_CURE}"
        ) from error


class EmbeddedDriver:
    """Boots `spec.reference` into `folder`, with `overlays` (`MODULE:FUNCTION`) applied to its services."""

    name = "embedded"

    def __init__(self, spec: StackSpec, folder: Path, overlays: tuple[str, ...] = ()) -> None:
        self._spec = spec
        self._folder = folder
        self._overlays = overlays
        self._place = describe(spec.reference)
        self._process: asyncio.subprocess.Process | None = None
        self._endpoints = Endpoints()
        self._failures: dict[str, str] = {}

    @property
    def capabilities(self) -> frozenset[Capability]:
        """All but the broker; breaking things only where the profile calls the stack disposable."""
        some = {Capability.HTTP, Capability.GRAPHQL, Capability.SQL, Capability.LOGIN, Capability.KILL}
        some |= {Capability.EXCLUSIVE, Capability.SOURCE}
        if self._spec.gateway:
            some.add(Capability.GATEWAY)
        if self._spec.disposable:
            some.add(Capability.DISPOSABLE)
        return frozenset(some)

    @property
    def source_root(self) -> Path | None:
        """The folder that holds the stack's package."""
        return Path(self._place.root)

    @property
    def declared(self) -> Stack:
        """As the profile says, with the suites' folder filled in."""
        return declared(self._spec, self._place.suites)

    async def start(self, tell: Callable[[BootEvent], None]) -> Booted:
        """Boot; services that do not come up are told in `failures`, with the rest of the stack running.

        Raises:
            EnvironmentUnusableError: the launcher could not bring up anything.
        """
        started = time.monotonic_ns()
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            async with asyncio.timeout(self._spec.boot_budget_us / 1_000_000):
                await self._launch()
                await self._follow(tell, started)
        except TimeoutError:
            seconds = self._spec.boot_budget_us / 1e6
            self._failures.setdefault("stack", f"not up within its boot budget of {seconds:g} s")
        return Booted(join(self.declared, self._endpoints), self._failures)

    async def disturb(self, disruption: Disruption) -> None:
        """Refused: nobody gave this driver a way to do it."""
        raise DisruptionRefusedError(f"the {self.name} driver cannot {disruption.do} {disruption.part}")

    async def stop(self) -> None:
        """End the launcher's standard input and wait; what does not end by then is ended by its mark."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _launch(self) -> None:
        overlays = [part for overlay in self._overlays for part in ("--overlay", overlay)]
        with (self._folder / "launcher.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self._spec.reference, "up", "--dir", str(self._folder), *overlays),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LINE,
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )

    async def _follow(self, tell: Callable[[BootEvent], None], started: int) -> None:
        assert self._process  # noqa: S101 - narrowing for the type checker: it was started just now
        assert self._process.stdout  # noqa: S101 - as above: a pipe
        async for line in self._process.stdout:
            event = _parse(line)
            if event.get("event") == "service":
                elapsed = (time.monotonic_ns() - started) // 1000
                service, state = str(event.get("name", "")), str(event.get("state", ""))
                tell(BootEvent(visible(service), visible(state), elapsed, visible(str(event.get("detail") or ""))))
            elif event.get("event") in {"up", "failed"}:
                self._settle(event)
                return
        words = self._last_words()
        cure = _CURE if "ModuleNotFoundError" in words else f"see {self._spec.reference}'s own requirements"
        raise EnvironmentUnusableError(f"the stack's launcher ended before the stack was up: {words}\ncure: {cure}")

    def _settle(self, event: dict[str, Any]) -> None:
        if event.get("endpoints"):
            self._endpoints = msgspec.convert(event["endpoints"], Endpoints)
        if event["event"] == "up":
            return
        message = visible(str(event.get("message") or "no reason given"))
        tail = [visible(str(line)) for line in (event.get("log_tail") or [])[-30:]]
        service = str(event.get("service") or "")
        if not service:
            raise EnvironmentUnusableError("; ".join([message, *tail[-5:]]))
        self._failures[service] = "\n".join([message, *tail])

    def _last_words(self) -> str:
        lines = (self._folder / "launcher.log").read_text(errors="replace").splitlines()
        return visible(" | ".join(lines[-5:])) or "it said nothing"


def _parse(line: bytes) -> dict[str, Any]:
    try:
        event = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return {}
    return event if isinstance(event, dict) else {}
