"""Boots compose files in a project of its own, watches every container, and takes all of it down by label."""

import asyncio
import contextlib
import os
import time
from pathlib import Path

import docker
import msgspec

from certify.drivers.compose import command, containers, owner
from certify.drivers.compose.containers import ENGINE_GONE, Containers, published
from certify.drivers.compose.disturbing import Disturber
from certify.drivers.compose.explain import blamed, explain, root_causes
from certify.drivers.compose.guardian import Guardian
from certify.drivers.compose.outside import HOST
from certify.drivers.compose.project import Part, isolate, parts, project_name, remapped
from certify.drivers.compose.state import Judged, State
from certify.drivers.compose.watch import Watch
from certify.drivers.endpoints import Endpoints, Told, declared, join
from certify.drivers.interface import Booted, EnvironmentUnusableError, Tell
from certify.model.check import Action, Capability, Disruption, DisruptionRefusedError
from certify.model.escape import visible
from certify.model.stack import Happened, Service, Stack
from certify.profile.model import StackSpec

_RESOLVED = "compose.json"
_STATES = {State.READY: "ready", State.DONE: "ready", State.FAILED: "died", State.WAITING: "waiting"}
_BUILD_SECONDS = 1_800


class ComposeDriver:
    """Boots `spec.compose`, relative to `base`, as the run `run_id`; logs and the resolved file go to `folder`."""

    name = "compose"

    def __init__(self, spec: StackSpec, folder: Path, base: Path, run_id: str) -> None:
        """Read the files; nothing is started.

        Raises:
            ComposeFileError: Compose refuses them.
            EnvironmentUnusableError: there is no usable Compose here.
        """
        self._folder = folder
        self._base = base
        self._run_id = run_id
        self._project = project_name(run_id)
        self.version = command.version(base)
        files = tuple((base / file).resolve() for file in spec.compose)
        self._config, unset = command.resolve(files, base, self._project)
        self._parts = {part.name: part for part in parts(self._config)}
        self._spec = _with_services(spec, self._parts)
        self._client: docker.DockerClient | None = None
        self._containers: Containers | None = None
        self._watch: Watch | None = None
        self._disturber: Disturber | None = None
        self._guardian: Guardian | None = None
        self._tell: Tell = lambda _: None
        self._began = 0
        self._asked: set[str] = set()
        self._happened: list[Happened] = []
        self.notes = tuple(f"the variable {name} is not set" for name in unset) + remapped(self._config)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What containers allow; breaking things only where the profile calls the stack disposable."""
        some = {Capability.HTTP, Capability.EXCLUSIVE, Capability.KILL}
        if self._spec.source:
            some.add(Capability.SOURCE)
        if self._spec.disposable:
            some.add(Capability.DISPOSABLE)
        return frozenset(some)

    @property
    def source_root(self) -> Path | None:
        """The profile's `source`, relative to the profile's folder."""
        return (self._base / self._spec.source).resolve() if self._spec.source else None

    @property
    def declared(self) -> Stack:
        """The services of the profile, or those of the files when the profile names none."""
        return declared(self._spec)

    async def gone(self) -> str:
        """Wait until the engine is gone, and say why."""
        if self._watch is None:
            return await asyncio.Future[str]()
        return await self._watch.gone()

    async def start(self, tell: Tell, *, spans_to: str = "") -> Booted:  # noqa: ARG002 - containers cannot reach it yet
        """Build, start, and wait until waiting longer can change nothing, or the boot budget is used up.

        Raises:
            EnvironmentUnusableError: the engine, the registry or the disk stand in the way.
        """
        self._tell = tell
        self._client = await asyncio.to_thread(containers.connect)
        await asyncio.to_thread(containers.sweep, self._client, owner.lives)
        self._guardian = Guardian(self._run_id)
        self._containers = Containers(self._client, self._run_id)
        self._disturber = Disturber(self._containers)
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        resolved = self._write_resolved()
        if any("build" in service for service in self._config.get("services", {}).values()):
            await self._build(resolved)
        self._began = time.monotonic_ns()
        self._watch = Watch(self._containers, self._parts, logs, self._hear)
        self._watch.begin()
        budget = self._spec.boot_budget_us / 1e6
        up = asyncio.create_task(self._up(resolved))
        try:
            async with asyncio.timeout(budget):
                await self._settled(up)
        except TimeoutError:
            pass
        finally:
            up.cancel()
            await asyncio.gather(up, return_exceptions=True)
        if self._watch.lost:
            raise EnvironmentUnusableError(f"{self._watch.lost}\ncure: see the engine's own log")
        return Booted(self.now(), await asyncio.to_thread(self._failures, budget))

    def now(self) -> Stack:
        """The stack with the addresses that its ports have now: the engine gives new ones after a restart."""
        told = {name: self._told(name) for name in self._parts}
        stack = join(self.declared, Endpoints(told))
        return msgspec.structs.replace(stack, happened=tuple(self._happened))

    async def disturb(self, disruption: Disruption) -> None:
        """Do something to a container of this run.

        Raises:
            DisruptionRefusedError: it could not be done.
        """
        if self._disturber is None or disruption.part not in self._parts:
            raise DisruptionRefusedError(f"the stack has no part {disruption.part!r}")
        self._asked.add(disruption.part)
        await asyncio.to_thread(self._disturber.do, disruption)
        if disruption.do in {Action.RESUME, Action.RESTART, Action.MEND}:
            self._asked.discard(disruption.part)

    async def stop(self) -> None:
        """Remove everything that carries the run's label."""
        if self._watch:
            await self._watch.end()
        if self._containers:
            with contextlib.suppress(*ENGINE_GONE):
                await asyncio.to_thread(self._containers.remove)
        if self._guardian:
            await asyncio.to_thread(self._guardian.release)
        if self._client:
            self._client.close()
        self._containers, self._watch, self._guardian, self._client = None, None, None, None

    def _write_resolved(self) -> Path:
        """The file that is started. It holds whatever secrets the environment put into it: for the owner alone."""
        resolved = self._folder / _RESOLVED
        alone = isolate(self._config, self._run_id, owner.own())
        with os.fdopen(os.open(resolved, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(alone))
        return resolved

    async def _build(self, resolved: Path) -> None:
        log = self._folder / "build.log"
        async with asyncio.timeout(_BUILD_SECONDS):
            spoken = await command.run([*self._chosen(resolved), "build"], self._base, log)
        if spoken.code:
            self._refuse_environment(spoken.text)
            raise command.ComposeFileError(f"an image could not be built:\n{_end(spoken.text)}")

    async def _up(self, resolved: Path) -> command.Spoken:
        arguments = [*self._chosen(resolved), "up", "--detach", "--no-build", "--quiet-pull"]
        return await command.run(arguments, self._base, self._folder / "up.log")

    async def _settled(self, up: "asyncio.Task[command.Spoken]") -> None:
        """Wait for the watch; `up` may end before, or never: it waits for dependencies that may never be met."""
        assert self._watch  # noqa: S101 - narrowing for the type checker: made by `start`
        spoken = await self._outcome(up)
        if spoken and spoken.code:
            self._refuse_environment(spoken.text)
            self._said = spoken.text
        await self._watch.all_started()
        await self._watch.settled()

    async def _outcome(self, up: "asyncio.Task[command.Spoken]") -> command.Spoken | None:
        assert self._watch  # noqa: S101 - narrowing for the type checker: made by `start`
        hopeless = asyncio.create_task(self._watch.hopeless())
        try:
            await asyncio.wait({up, hopeless}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hopeless.cancel()
        return up.result() if up.done() else None

    def _refuse_environment(self, text: str) -> None:
        if cure := command.environment_trouble(text):
            raise EnvironmentUnusableError(f"the stack cannot be started here: {_end(text)}\ncure: {cure}")

    def _chosen(self, resolved: Path) -> tuple[str, ...]:
        return ("--project-name", self._project, "--project-directory", str(self._base), "--file", str(resolved))

    def _hear(self, name: str, judged: Judged) -> None:
        elapsed = (time.monotonic_ns() - self._began) // 1000
        state = _STATES.get(judged.state, judged.code if judged.code == "restarting" else "starting")
        happened = Happened(name, state, elapsed, judged.why, asked=name in self._asked)
        self._happened.append(happened)
        self._tell(happened)

    def _failures(self, budget: float) -> dict[str, str]:
        """Root causes with their explanation, and their dependants with whom to blame."""
        assert self._watch  # noqa: S101 - narrowing for the type checker: made by `start`
        assert self._containers  # noqa: S101 - as above
        judged = self._watch.judged
        causes = root_causes(self._parts.values(), judged)
        found = {}
        for name in causes:
            late = judged.get(name, Judged(State.WAITING, "waiting", "there is no container"))
            if not late.final:
                late = msgspec.structs.replace(late, why=f"not ready within {budget:g} s: {late.why}")
            text = explain(late, self._watch.look_at(name), self._containers.tail(name))
            found[name] = text + self._said_of(name)
        for name, part in self._parts.items():
            state = judged[name].state if name in judged else State.WAITING
            if name not in found and state not in {State.READY, State.DONE}:
                found[name] = blamed(part, causes, self._parts) or judged[name].why
        return found

    _said = ""

    def _said_of(self, name: str) -> str:
        """What Compose said where there is no container that could have said more."""
        assert self._watch  # noqa: S101 - narrowing for the type checker: made by `start`
        return f"\nCompose said:\n{_end(self._said)}" if self._said and name not in self._watch.details else ""

    def _told(self, name: str) -> Told:
        details = self._watch.details.get(name) if self._watch else None
        bound = published(details) if details else {}
        ports = [bound[port] for port in self._parts[name].ports if port in bound]
        log = self._folder / "logs" / f"{name}.log"
        return Told(
            url=f"http://{HOST}:{ports[0]}" if ports else "",
            pid=int(details["State"].get("Pid") or 0) if details else 0,
            log=str(log) if log.is_file() else "",
        )


def _with_services(spec: StackSpec, found: dict[str, Part]) -> StackSpec:
    """A stranger's files need no list of services in the profile: all of theirs are meant."""
    if spec.services:
        return spec
    return msgspec.structs.replace(spec, services=tuple(Service(name) for name in found))


def _end(text: str) -> str:
    return visible(text.strip()[-1_500:], lines=True)
