"""Boots compose files in a project of its own, watches every container, and takes all of it down by label."""

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path

import docker
import msgspec

from certify import owner
from certify.drivers.compose import bound, command, containers, disks
from certify.drivers.compose.account import Account, end_of, of_files, undeclared
from certify.drivers.compose.containers import ENGINE_GONE, Containers, published
from certify.drivers.compose.disturbing import Disturber
from certify.drivers.compose.guardian import Guardian
from certify.drivers.compose.inside import read
from certify.drivers.compose.project import Part, isolate, parts, project_name, unchecked
from certify.drivers.compose.state import Judged, State, broken_check
from certify.drivers.compose.stats import Stats
from certify.drivers.compose.watch import Watch
from certify.drivers.compose.within import Within, outside_probes, with_outer_database
from certify.drivers.counting import Reading
from certify.drivers.embedded import Place
from certify.drivers.endpoints import Told, declared, join
from certify.drivers.interface import Booted, EnvironmentUnusableError, Tell
from certify.model.check import Action, Capability, Disruption, DisruptionRefusedError
from certify.model.escape import visible
from certify.model.stack import Container, Happened, Service, Stack
from certify.outside import HOST
from certify.profile.model import StackSpec

_RESOLVED = "compose.json"
_STATES = {State.READY: "ready", State.DONE: "ready", State.WAITING: "waiting"}
_BUILD_SECONDS = 1_800
# Events of what was asked for may come a little later than the answer to it.
_ECHO_SECONDS = 2.0
_BACK = frozenset({Action.RESUME, Action.RESTART, Action.MEND})


class ComposeDriver:
    """Boots `spec.compose`, relative to `base`, as the run `run_id`; logs and the resolved file go to `folder`."""

    name = "compose"

    def __init__(self, spec: StackSpec, folder: Path, base: Path, run_id: str, place: Place | None = None) -> None:
        """Read the files; nothing is started. `place` is that of a reference stack.

        Raises:
            ComposeFileError: Compose refuses them.
            EnvironmentUnusableError: there is no usable Compose here.
        """
        self._folder = folder
        self._base = base
        self._place = place
        self._run_id = run_id
        self._project = project_name(run_id)
        self.version = command.version(base)
        self._files = tuple((base / file).resolve() for file in spec.compose)
        self._config, unset = command.resolve(self._files, base, self._project)
        self._parts = {part.name: part for part in parts(self._config)}
        if not self._parts:
            raise command.ComposeFileError("the compose files have no services: a `profiles:` key may leave them out")
        self._spec = _with_services(spec, self._parts)
        self._within = Within(read(self._config))
        self._probes = outside_probes(self._within.inside, [*spec.services, *([spec.gateway] if spec.gateway else [])])
        self._without_checks()
        self._client: docker.DockerClient | None = None
        self._containers: Containers | None = None
        self._watch: Watch | None = None
        self._disturber: Disturber | None = None
        self._guardian: Guardian | None = None
        self._stats: Stats | None = None
        self._tell: Tell = lambda _: None
        self._began = 0
        self._host = ""
        self._asked: dict[str, float] = {}
        self._happened: list[Happened] = []
        self._said = ""
        self._notes = of_files(spec, self._config, self._parts, unset)
        self._undeclared = undeclared(spec, self._parts)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What containers allow; breaking things only where the profile calls the stack disposable."""
        some = {Capability.HTTP, Capability.EXCLUSIVE, Capability.KILL} | self._within.capabilities
        if self.source_root:
            some.add(Capability.SOURCE)
        if any(service.graphql for service in self._spec.services):
            some.add(Capability.GRAPHQL)
        if any(service.database for service in self._spec.services):
            some.add(Capability.SQL)
        if self._spec.gateway and self._spec.gateway.name in self._parts:
            some.add(Capability.GATEWAY)
        if self._spec.disposable:
            some.add(Capability.DISPOSABLE)
        return frozenset(some)

    @property
    def source_root(self) -> Path | None:
        """The profile's `source`, relative to the profile's folder; a reference stack knows its own."""
        if self._place:
            return Path(self._place.root)
        return (self._base / self._spec.source).resolve() if self._spec.source else None

    @property
    def declared(self) -> Stack:
        """The services of the profile, or those of the files when the profile names none."""
        return declared(self._spec, self._place.suites if self._place else "")

    async def gone(self) -> str:
        """Wait until nothing can be told of the stack any more, for a reason that is not its own.

        Raises:
            EnvironmentUnusableError: the engine is gone, or somebody else interferes.
        """
        if self._watch is None:
            return await asyncio.Future[str]()
        await self._watch.gone()
        raise self._spoilt(self._watch)

    async def start(self, tell: Tell, *, spans_to: str = "") -> Booted:
        """Build, start, and wait until waiting longer can change nothing, or the boot budget is used up.

        Raises:
            EnvironmentUnusableError: the engine, the registry or the disk stand in the way.
        """
        self._tell = tell
        self._host = await asyncio.to_thread(command.host, self._base)
        self._client = await asyncio.to_thread(containers.connect, self._host)
        await asyncio.to_thread(containers.sweep, self._client, owner.lives)
        await self._open_door(spans_to)
        self._guardian = Guardian(self._run_id, self._host, self._within.folder)
        self._containers = Containers(self._client, self._run_id, self._host)
        self._stats = Stats(self._containers.stats)
        self._disturber = Disturber(self._containers, self._within.inside.cut)
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        resolved = self._write_resolved()
        await self._pull(resolved)
        door = self._within.folder
        made_of = await asyncio.to_thread(bound.of_files, self._config, self._files, self._base, own=door)
        if any("build" in service for service in self._config.get("services", {}).values()):
            unbuilt = await self._build(resolved)
            if unbuilt:
                return Booted(self.now(), unbuilt, self._notes, made_of)
        self._began = time.monotonic_ns()
        self._watch = Watch(self._containers, self._parts, logs, self._hear, self._is_asked)
        self._watch.begin()
        budget = self._spec.boot_budget_us / 1e6
        try:
            async with asyncio.timeout(budget):
                await self._settled(resolved)
        except TimeoutError:
            pass
        if self._watch.spoilt:
            raise self._spoilt(self._watch)
        await asyncio.to_thread(self._within.read, self._containers, self._folder)
        account = Account(self._parts, self._watch, self._containers)
        engine = await asyncio.to_thread(self._client.version)
        return Booted(
            self.now(),
            await asyncio.to_thread(account.failures, (time.monotonic_ns() - self._began) / 1e9, self._said),
            notes=(*self._notes, *account.notes()),
            components=(*made_of, *bound.of_images(self._watch.details)),
            facts={"dockerEngine": visible(str(engine.get("Version", ""))), "dockerCompose": visible(self.version)},
        )

    def now(self) -> Stack:
        """The stack with the addresses that its ports have now: the engine gives new ones after a restart."""
        details = self._watch.details if self._watch else {}
        own, addresses = self._within.endpoints(details), self._within.addresses(details)
        told = {name: self._told(name, own.services.get(name)) for name in self._parts}
        gateway = self._told(self._spec.gateway.name, own.gateway) if self._spec.gateway else None
        stack = join(self.declared, msgspec.structs.replace(own, services=told, gateway=gateway))
        services = tuple(with_outer_database(service, addresses) for service in stack.services)
        return msgspec.structs.replace(
            stack, services=services, undeclared=self._undeclared, happened=tuple(self._happened)
        )

    async def disturb(self, disruption: Disruption) -> None:
        """Do something to a container of this run.

        Raises:
            DisruptionRefusedError: it could not be done.
        """
        if self._disturber is None or disruption.part not in self._parts:
            raise DisruptionRefusedError(f"the stack has no part {disruption.part!r}")
        part = disruption.part
        self._asked[part] = float("inf")
        try:
            await asyncio.to_thread(self._disturber.do, disruption)
            # What was cut by a command is still the same process: whether it recovers is for the check to see.
            if disruption.do in _BACK and disruption.of not in self._within.inside.cut:
                await self._come_back(disruption)
        finally:
            if disruption.do in _BACK:
                self._asked[part] = time.monotonic() + _ECHO_SECONDS

    async def _come_back(self, disruption: Disruption) -> None:
        assert self._watch  # noqa: S101 - narrowing for the type checker: made by `start`
        budget = self._spec.boot_budget_us / 1e6
        await self._watch.look()
        try:
            async with asyncio.timeout(budget):
                await self._watch.well(disruption.part)
        except TimeoutError as error:
            raise DisruptionRefusedError(f"{disruption.part} is not ready within {budget:g} s") from error
        if (found := self._watch.judged[disruption.part]).state is State.FAILED:
            raise DisruptionRefusedError(f"{disruption.part} does not come back: {found.why}")

    def _is_asked(self, part: str) -> bool:
        return time.monotonic() < self._asked.get(part, 0.0)

    def usage(self) -> Reading:
        """What the containers have used, as the engine counts it."""
        if self._stats is None or self._watch is None:
            return Reading()
        return self._stats.read(dict(self._watch.details), self._parts)

    async def stop(self) -> None:
        """Remove everything that carries the run's label."""
        if self._stats:
            self._stats.close()
        if self._watch:
            await self._watch.end()
        if self._containers:
            with contextlib.suppress(*ENGINE_GONE):
                # What is in use for a moment can be removed the next.
                if left := await asyncio.to_thread(self._containers.remove) and await asyncio.to_thread(
                    self._containers.remove
                ):
                    sys.stderr.write(f"certify: of run {self._run_id} could not be removed: {'; '.join(left)}\n")
        await self._within.close()
        if self._guardian:
            await asyncio.to_thread(self._guardian.release)
        if self._client:
            self._client.close()
        self._containers, self._watch, self._guardian, self._client = None, None, None, None

    async def _open_door(self, spans_to: str) -> None:
        """Choose the addresses by which the run reaches what publishes nothing; the files are told of them."""
        if environment := self._within.prepare(os.environ, spans=bool(spans_to)):
            resolve = command.resolve
            self._config, _ = await asyncio.to_thread(resolve, self._files, self._base, self._project, environment)
            self._without_checks()
        await self._within.open(spans_to)

    def _without_checks(self) -> None:
        self._config = unchecked(self._config, self._probes)
        found = (msgspec.structs.replace(part, probe=self._probes.get(part.name, "")) for part in parts(self._config))
        self._parts = {part.name: part for part in found}

    def _write_resolved(self) -> Path:
        """The file that is started. It holds whatever secrets the environment put into it: for the owner alone."""
        resolved = self._folder / _RESOLVED
        alone = isolate(self._config, self._run_id, owner.own(), keep_ports=self._spec.keep_ports)
        with os.fdopen(os.open(resolved, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(alone))
        return resolved

    async def _pull(self, resolved: Path) -> None:
        """Fetch images that are not here: how long a registry takes says nothing of the stack's start."""
        assert self._containers  # noqa: S101 - narrowing for the type checker: made by `start`
        # Many services may share an image: each is asked for, and fetched, once.
        wanted = {part.image: part.name for part in self._parts.values() if part.image}
        has = self._containers.has_image
        missing = [name for image, name in wanted.items() if not await asyncio.to_thread(has, image)]
        if not missing:
            return
        self._tell(Happened(missing[0], "pulling"))
        try:
            async with asyncio.timeout(_BUILD_SECONDS):
                arguments = [*self._chosen(resolved), "pull", "--quiet", *missing]
                spoken = await command.run(arguments, self._base, self._folder / "pull.log")
        except TimeoutError as error:
            cure = "fetch the images by hand, or use a registry that is nearer"
            raise EnvironmentUnusableError(
                f"the images of {', '.join(missing)} were not here within {_BUILD_SECONDS} s\ncure: {cure}"
            ) from error
        # What the registry refuses is told by the start, which names the service.
        if spoken.code:
            self._refuse_environment(spoken.text)

    async def _build(self, resolved: Path) -> dict[str, str]:
        """Build what is to be built; gives the services that cannot be, each with the end of what was said."""
        log = self._folder / "build.log"
        try:
            async with asyncio.timeout(_BUILD_SECONDS):
                spoken = await command.run([*self._chosen(resolved), "build"], self._base, log)
        except TimeoutError:
            spoken = command.Spoken(1, "", f"the build was not done within {_BUILD_SECONDS} s")
        if not spoken.code:
            return {}
        self._refuse_environment(spoken.text)
        built = [name for name, service in self._config["services"].items() if "build" in service]
        # The builder names the service in brackets before each of its steps.
        guilty = [name for name in built if f"[{name} " in spoken.text or f"target {name}:" in spoken.text] or built
        return dict.fromkeys(guilty, f"its image could not be built:\n{end_of(spoken.text)}\ncure: mend its Dockerfile")

    async def _up(self, resolved: Path) -> command.Spoken:
        arguments = [*self._chosen(resolved), "up", "--detach", "--no-build", "--quiet-pull"]
        return await command.run(arguments, self._base, self._folder / "up.log")

    async def _settled(self, resolved: Path) -> None:
        """Have Compose start everything, and wait until the watch has seen what becomes of it."""
        assert self._watch  # noqa: S101 - narrowing for the type checker: made by `start`
        while (spoken := await self._start_once(resolved)) and spoken.code:
            self._refuse_environment(spoken.text)
            self._said = spoken.text
            # Compose gives up on an unhealthy dependency at once, although it may recover in time.
            if "is unhealthy" not in spoken.text or not await self._watch.startable():
                break
        await self._watch.all_started()
        await self._watch.settled()

    async def _start_once(self, resolved: Path) -> command.Spoken | None:
        """What Compose came to; None when it waits for dependencies that can never be met."""
        assert self._watch  # noqa: S101 - narrowing for the type checker: made by `start`
        up, hopeless = asyncio.create_task(self._up(resolved)), asyncio.create_task(self._watch.hopeless())
        try:
            await asyncio.wait({up, hopeless}, return_when=asyncio.FIRST_COMPLETED)
            return up.result() if up.done() else None
        finally:
            up.cancel()
            hopeless.cancel()
            await asyncio.gather(up, hopeless, return_exceptions=True)

    def _refuse_environment(self, text: str) -> None:
        if cure := command.environment_trouble(text):
            raise EnvironmentUnusableError(f"the stack cannot be started here: {end_of(text)}\ncure: {cure}")

    def _chosen(self, resolved: Path) -> tuple[str, ...]:
        return ("--project-name", self._project, "--project-directory", str(self._base), "--file", str(resolved))

    def _hear(self, name: str, judged: Judged) -> None:
        elapsed = (time.monotonic_ns() - self._began) // 1000
        happened = Happened(name, _state(judged), elapsed, judged.why, asked=self._is_asked(name))
        known = any(one.part == name and one.state == happened.state for one in self._happened[-len(self._parts) :])
        self._happened.append(happened)
        # What only starts in another way than before is in the evidence; nobody needs to watch it.
        if not (known and happened.state == "starting"):
            self._tell(happened)

    def _spoilt(self, watch: Watch) -> EnvironmentUnusableError:
        cure = "see the engine's own log" if watch.lost else "leave the stack alone while it is certified; run it again"
        return EnvironmentUnusableError(f"{watch.spoilt}\ncure: {cure}")

    def _told(self, name: str, own: Told | None) -> Told:
        """What is known of a service's container, beside what the stack itself tells of the service."""
        known = own or Told("")
        details = self._watch.details.get(name) if self._watch else None
        if not self._watch or not details:
            return msgspec.structs.replace(known, url="", container=Container())
        part, look = self._parts[name], self._watch.look_at(name)
        bound_to = published(details)
        ports = tuple(port for port in part.ports if port in bound_to)
        log = self._folder / "logs" / f"{name}.log"
        return msgspec.structs.replace(
            known,
            url=f"http://{HOST}:{bound_to[ports[0]]}" if ports else "",
            pid=int(details["State"].get("Pid") or 0),
            log=str(log) if log.is_file() else "",
            container=Container(
                str(details["Id"]),
                self._host,
                ports,
                checked=bool(look.health) and not broken_check(look),
                ends=part.may_end,
                disks=tuple(disks.small(details)),
            ),
        )


def _state(judged: Judged) -> str:
    """The word for it that checks know."""
    if judged.state is State.FAILED:
        return "died" if judged.final else "restarting"
    return _STATES.get(judged.state, judged.code if judged.code == "restarting" else "starting")


def _with_services(spec: StackSpec, found: dict[str, Part]) -> StackSpec:
    """A stranger's files need no list of services in the profile: all of theirs are meant."""
    if spec.services:
        return spec
    return msgspec.structs.replace(spec, services=tuple(Service(name) for name in found))
