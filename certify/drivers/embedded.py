"""The embedded driver: a stack that boots itself as local processes, by `python -m MODULE up`.

`python -m MODULE describe` tells where its source and its suites lie, without booting anything.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from certify.drivers.counting import Reading
from certify.drivers.endpoints import Endpoints, declared, join
from certify.drivers.interface import Booted, EnvironmentUnusableError, Tell
from certify.drivers.launcher import Launcher
from certify.drivers.processes import read_usage
from certify.model.check import Capability, Disruption
from certify.model.escape import visible
from certify.model.stack import Happened, Stack
from certify.profile.model import StackSpec

_DESCRIBE_SECONDS = 30.0
_ENDPOINTS = "endpoints.json"
_CURE = "the reference stack comes with: pip install 'certify[stack]'"
_ALWAYS = frozenset(
    {
        Capability.HTTP,
        Capability.GRAPHQL,
        Capability.SQL,
        Capability.LOGIN,
        Capability.KAFKA,
        Capability.SPANS,
        Capability.EXCLUSIVE,
        Capability.SOURCE,
    }
)
# The launcher says which service is late and why; it needs the rest of the budget for what else it does.
_PATIENCE = 0.5
_BREAKING = frozenset({Capability.DISPOSABLE, Capability.KILL, Capability.CUT})


class Place(msgspec.Struct, frozen=True):
    """Where a reference stack lies: `root` of its source, folder of its `suites`, its `compose` file where it has one."""

    root: str
    suites: str = ""
    compose: str = ""


def describe(module: str, python: str = sys.executable) -> Place:
    """Ask a stack where it lies.

    Raises:
        EnvironmentUnusableError: it is not installed or does not answer.
    """
    command = [python, "-m", module, "describe"]
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

    def __init__(self, spec: StackSpec, folder: Path, overlays: tuple[str, ...] = (), base: Path = Path()) -> None:
        self._spec = spec
        self._python = str(base / spec.python) if spec.python else sys.executable
        self._folder = folder
        self._overlays = overlays
        self._place = describe(spec.reference, self._python)
        self._launcher: Launcher | None = None
        self._following: asyncio.Task[None] | None = None
        self._endpoints = Endpoints()
        self._failures: dict[str, str] = {}
        self._happened: list[Happened] = []
        self._began = 0
        self._lost = ""
        self._gone = asyncio.Event()

    @property
    def capabilities(self) -> frozenset[Capability]:
        """All of them; breaking things only where the profile calls the stack disposable."""
        some = _ALWAYS | {Capability.GATEWAY} if self._spec.gateway else _ALWAYS
        return some | _BREAKING if self._spec.disposable else some

    @property
    def source_root(self) -> Path | None:
        """The folder that holds the stack's package."""
        return Path(self._place.root)

    @property
    def declared(self) -> Stack:
        """As the profile says, with the suites' folder filled in."""
        return declared(self._spec, self._place.suites)

    async def start(self, tell: Tell, *, spans_to: str = "") -> Booted:
        """Boot; services that do not come up are told in `failures`, with the rest of the stack running.

        Raises:
            EnvironmentUnusableError: the launcher could not bring up anything.
        """
        self._began = time.monotonic_ns()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._launcher = launcher = Launcher(
            self._spec.reference, self._folder, self._arguments(spans_to), self._python
        )
        settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._spec.boot_budget_us / 1_000_000):
                await launcher.start()
                self._following = asyncio.create_task(self._follow(launcher, tell, settled))
                await settled
        except TimeoutError:
            seconds = self._spec.boot_budget_us / 1e6
            self._failures.setdefault("stack", f"not up within its boot budget of {seconds:g} s")
        return Booted(self.now(), self._failures)

    def now(self) -> Stack:
        """With the addresses of `endpoints.json`, which the launcher keeps up to date."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            self._endpoints = msgspec.json.decode((self._folder / _ENDPOINTS).read_bytes(), type=Endpoints)
        return msgspec.structs.replace(join(self.declared, self._endpoints), happened=tuple(self._happened))

    async def gone(self) -> str:
        """How the launcher ended, when it ended by itself after the boot."""
        await self._gone.wait()
        return self._lost

    async def disturb(self, disruption: Disruption) -> None:
        """Have the launcher do it.

        Raises:
            DisruptionRefusedError: it could not be done.
        """
        assert self._launcher  # noqa: S101 - narrowing for the type checker: `start` comes first
        await self._launcher.obey(disruption)

    def usage(self) -> Reading:
        """What the processes of all parts have used, from where the launcher tells of them."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            told = msgspec.json.decode((self._folder / _ENDPOINTS).read_bytes(), type=Endpoints)
            gateway = {"gateway": told.gateway.pid} if told.gateway else {}
            return read_usage(told.processes or {name: one.pid for name, one in told.services.items()} | gateway)
        return Reading()

    async def stop(self) -> None:
        """Take the stack down, and hear nothing of it any more."""
        if self._following:
            self._following.cancel()
            await asyncio.wait({self._following})
        if self._launcher:
            await self._launcher.stop()

    def _arguments(self, spans_to: str) -> tuple[str, ...]:
        overlays = (part for overlay in self._overlays for part in ("--overlay", overlay))
        patience = ("--patience", f"{self._spec.boot_budget_us / 1e6 * _PATIENCE:g}")
        return (*overlays, *patience, *(("--otlp", spans_to) if spans_to else ()))

    async def _follow(self, launcher: Launcher, tell: Tell, settled: "asyncio.Future[None]") -> None:
        """Hear the launcher for as long as it lives; `settled` is done when the boot has come to something."""
        try:
            async for event in launcher.events():
                if event.get("event") == "service":
                    tell(self._took_place(event))
                elif event.get("event") in {"up", "failed"} and not settled.done():
                    self._settle(event)
                    settled.set_result(None)
        except EnvironmentUnusableError as error:
            settled.set_exception(error)
            return
        if settled.done():
            self._lost = f"the stack's launcher ended: {launcher.last_words()}"
            self._gone.set()
        else:
            settled.set_exception(self._ended_early(launcher))

    def _took_place(self, event: dict[str, Any]) -> Happened:
        happened = Happened(
            part=visible(str(event.get("name") or "")),
            state=visible(str(event.get("state") or "")),
            at_us=(time.monotonic_ns() - self._began) // 1000,
            detail=visible(str(event.get("detail") or ""), lines=True),
            asked=event.get("asked") is True,
        )
        self._happened.append(happened)
        return happened

    def _settle(self, event: dict[str, Any]) -> None:
        if event.get("endpoints"):
            try:
                self._endpoints = msgspec.convert(event["endpoints"], Endpoints)
            except msgspec.ValidationError as error:
                raise EnvironmentUnusableError(f"the stack's launcher told no usable end points: {error}") from error
        if event["event"] == "up":
            return
        message = visible(str(event.get("message") or "no reason given"))
        tail = [visible(str(line)) for line in (event.get("log_tail") or [])[-30:]]
        service = str(event.get("service") or "")
        if not service:
            raise EnvironmentUnusableError("; ".join([message, *tail[-5:]]))
        self._failures[service] = "\n".join([message, *tail])

    def _ended_early(self, launcher: Launcher) -> EnvironmentUnusableError:
        words = launcher.last_words()
        cure = _CURE if "ModuleNotFoundError" in words else f"see {self._spec.reference}'s own requirements"
        return EnvironmentUnusableError(f"the stack's launcher ended before the stack was up: {words}\ncure: {cure}")
