"""The whole stack of one run: boots in parallel, knows who is ready, brings back what dies."""

from __future__ import annotations

import asyncio
import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certify_stack.embedded import prepared
from certify_stack.embedded.accounts import unprivileged
from certify_stack.embedded.binaries import BinariesError, cache_root
from certify_stack.embedded.broker import BROKER, BrokerPart
from certify_stack.embedded.database import DATABASE, DatabasePart
from certify_stack.embedded.forker import Bound, Forker, Wanted
from certify_stack.embedded.gateway import GATEWAY, GatewayPart
from certify_stack.embedded.guardian import Guardian, mark_owned, sweep
from certify_stack.embedded.kafka import installation
from certify_stack.embedded.kafka.errors import KafkaError, Progress
from certify_stack.embedded.kafka.server import KafkaServer
from certify_stack.embedded.part import Part, Say
from certify_stack.embedded.postgres import PostgresServer, disk_root, scratch_root
from certify_stack.embedded.private import write_private
from certify_stack.embedded.probe import get
from certify_stack.embedded.service import ServicePart
from certify_stack.embedded.sink_part import SinkPart
from certify_stack.erp import SERVICES
from certify_stack.gateway.process import Subgraph
from certify_stack.kit.messages import topics

if TYPE_CHECKING:
    from certify_stack.embedded.secrets_of_run import RunSecrets

PREFIX = "certify-stack-"
BOOT_SECONDS = 60.0
ROLES = {"database": DATABASE, "broker": BROKER, "gateway": GATEWAY}


@dataclass(frozen=True)
class Options:
    """What the caller wants.

    Attributes:
        folder: Where logs and endpoints go.
        overlays: Start hooks.
        otlp: Where spans go.
        durable: Whether data survive a power cut.
        patience: In seconds; what is not ready by then has failed.
        services: Which are started.
    """

    folder: Path | None = None
    overlays: tuple[str, ...] = ()
    otlp: str | None = None
    durable: bool = False
    patience: float = BOOT_SECONDS
    services: tuple[str, ...] = SERVICES


class Stack:
    """One run. `say` gets its events; `parent` is the process that will be that of the services."""

    def __init__(self, options: Options, say: Say, parent: subprocess.Popen[bytes]) -> None:
        """Make the run's private folder, which the guardian removes whatever happens."""
        self.options = options
        self._tell = say
        self._parent = parent
        root = disk_root() if options.durable else scratch_root()
        sweep(root, PREFIX)
        self.guardian = Guardian()
        self.private = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        self.guardian.remove(self.private)
        mark_owned(self.private)
        # Others may walk through, to what is theirs, but not look around.
        self.private.chmod(0o711)
        self.folder = options.folder or self.private / "run"
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.services: dict[str, ServicePart] = {}
        self.parts: dict[str, Part] = {}
        self._booted = False

    async def boot(self) -> None:
        """Start everything and wait until all of it is ready, or the time is up.

        A service that does not come up is left with its `failure` set and the rest of the stack running.

        Raises:
            RuntimeError: Not even the parts that all services need came up.
        """
        wanted = Wanted(self.options.services, self.options.overlays, _scripts(), spans=self.options.otlp is not None)
        self.forker = await Forker.start(self._parent, wanted, self.logs, self._on_event)
        self.guardian.watch(self.forker.process.pid)
        _, self._origin = await asyncio.gather(self._prepare_broker(), self._prepare_databases())
        try:
            async with asyncio.timeout(self.options.patience):
                await self._boot()
        except TimeoutError:
            self._insist_on_the_first()
            await self._name_the_late()
        self._booted = True
        self.write_endpoints()
        # Whatever is sent to it waits in its open sockets, so it need not take time from the boot.
        self._sinking = asyncio.create_task(self.sink.come_up())

    async def _prepare_broker(self) -> None:
        """The first use on a machine fetches Kafka, which takes as long as the network does: no part of a boot's time."""
        loop = asyncio.get_running_loop()

        def from_thread(told: Progress) -> None:
            loop.call_soon_threadsafe(self._progress, told)

        try:
            await asyncio.to_thread(installation.prepare, from_thread, topics(self.options.services))
        except KafkaError as error:
            raise RuntimeError(str(error)) from error

    async def _prepare_databases(self) -> Path:
        """A cluster with the databases of the services as their source is now: made by the first run that needs it."""
        services = self.options.services
        target = await asyncio.to_thread(prepared.place, services)
        usable = target is not None and await asyncio.to_thread(prepared.use, target)
        if target is not None and usable:
            return target
        if self.options.overlays:
            # They are loaded already, and may do anything: what is made beside them is for this run alone.
            target = None
        self._tell({"event": "progress", "text": "migrating and filling the databases, once for this version"})
        spare = self.private / "prepared"
        await self.forker.bound
        await self.forker.do("prepare", target=str(target or ""), spare=str(spare))
        return spare if spare.exists() or target is None else target

    def _progress(self, told: Progress) -> None:
        share = f" ({100 * told.done // told.total} %)" if told.total else ""
        self._tell({"event": "progress", "text": f"{told.text}{share}"})

    async def _boot(self) -> None:
        disposable = not self.options.durable
        postgres = PostgresServer(self.private, self.logs / "postgres.log", disposable=disposable, origin=self._origin)
        kafka = KafkaServer(self.private, self.logs / "kafka.log", disposable=disposable, tell=self._progress)
        self.database = DatabasePart(postgres, self.say, self._watch_over)
        self.broker = BrokerPart(kafka, topics(self.options.services), self.say, self._watch_over)
        # Start hooks may change schemas, and which run will have those again, nobody knows.
        lasting = not self.options.overlays
        self.gateway = GatewayPart(self.private, self.logs / "gateway.log", self.say, self._watch_over, lasting=lasting)
        self.sink = SinkPart(self.logs / "sink.log", self.say, self._watch_over)
        self.parts = {part.name: part for part in (self.database, self.broker, self.gateway, self.sink)}
        brokering = asyncio.create_task(self.broker.come_up())
        databases, self.secrets, bound = await asyncio.gather(
            self._databases(),
            asyncio.to_thread(self._secrets),
            self.forker.bound,
        )
        self._plan(bound, databases)
        gateway = asyncio.create_task(self.gateway.come_up())
        await self._come_up(brokering)
        await asyncio.gather(*(service.reaches("ready", "given-up") for service in self.services.values()))
        if not self.failures():
            self.gateway.may_ask.set()
            await gateway
            await self.gateway.reaches("ready", "given-up")

    async def _come_up(self, brokering: asyncio.Task[None]) -> None:
        """Start the services beside the broker; they wait for it, and are asked when it is there."""
        coming = [asyncio.create_task(service.come_up()) for service in self.services.values()]
        try:
            await asyncio.gather(self._enrol(), brokering)
            self._insist(self.broker)
        except BaseException:
            for task in coming:
                task.cancel()
            raise
        for service in self.services.values():
            service.may_ask.set()
        await asyncio.gather(*coming)

    async def _databases(self) -> Mapping[str, str]:
        await asyncio.to_thread(self.database.server.make_data)
        await self.database.come_up()
        self._insist(self.database)
        return await self.database.server.hand_out(self.options.services)

    async def _enrol(self) -> None:
        if "auth" in self._migrated:
            database = self.services["auth"].database
            await self.forker.do("enrol", database=database, passwords=dict(self.secrets.passwords))

    def _secrets(self) -> RunSecrets:
        from certify_stack.embedded.secrets_of_run import RunSecrets  # noqa: PLC0415 - the broker starts before this import

        return RunSecrets.create(self.private / "secrets", self.options.services)

    def _insist_on_the_first(self) -> None:
        """Without these nothing else can be told."""
        for part in (self.database, self.broker):
            if part.state != "ready":
                raise RuntimeError(f"{part.name} was not ready after {self.options.patience:g} s, still {part.state}")

    def _insist(self, part: Part) -> None:
        if part.state != "ready":
            raise RuntimeError(f"{part.name} did not come up: {part.failure}")

    def _plan(self, bound: Mapping[str, Bound], databases: Mapping[str, str]) -> None:
        self._migrated = prepared.services_of(self._origin) or frozenset()
        for name, told in bound.items():
            self.services[name] = ServicePart(name, self.logs / f"{name}.log", self.say, self.forker, told)
            self.services[name].database = databases[name]
            self.services[name].migrated = name in self._migrated
        for name, service in self.services.items():
            service.settings = self._settings(name)
        self.parts |= self.services
        self.gateway.plan(
            (Subgraph(s.name, f"{s.url}/graphql", s.ready_url, s.bound.sdl) for s in self.services.values()),
            self.secrets.gateway_jwt(),
        )

    def _settings(self, name: str) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "database_dsn": self.services[name].database,
            "auth_public_jwks": self.secrets.key.jwks(),
            "otlp_endpoint": self.options.otlp,
            "service_urls": {other: service.url for other, service in self.services.items()},
            "service_token_file": str(self.secrets.token_files[name]),
            "broker": self.broker.server.bootstrap,
        }
        if name == "auth":
            settings["auth_private_key"] = str(self.secrets.key_file)
        if name == "notification":
            settings |= {"mail_server": self.sink.mail_server, "sms_provider": self.sink.url}
        return settings

    def failures(self) -> dict[str, str]:
        """Why parts are not ready, by name."""
        return {name: part.failure for name, part in self.parts.items() if part.failure}

    async def _name_the_late(self) -> None:
        """Say of each service why it is not ready; the gateway is named only when it alone is late."""
        for part in (*self.services.values(), self.gateway):
            if part.state in {"ready", "given-up"} or (part is self.gateway and self.failures()):
                continue
            reason = f"still {part.state}"
            if isinstance(part, ServicePart) and part.state == "listening":
                reason = (await get(part.ready_url)).reason
            part.failure = f"not ready after {self.options.patience:g} s ({reason})"

    def say(self, told: dict[str, Any]) -> None:
        """Pass an event on. A part that came back has another process, which whoever hears of it finds in the file."""
        if self._booted and told["state"] == "ready":
            self.write_endpoints()
        self._tell(told)

    def _on_event(self, told: dict[str, Any]) -> None:
        self.services[told["name"]].heard(told)

    def _watch_over(self, pid: int, gentle: int) -> None:
        self.guardian.watch(pid, gentle=gentle)

    def endpoints(self) -> dict[str, Any]:
        """Addresses and credentials of everything."""
        login = f"{self.services['auth'].url}/login" if "auth" in self.services else ""
        return {
            "gateway": self.gateway.endpoint(),
            "services": {name: service.endpoint() for name, service in self.services.items()},
            "broker": self.broker.server.bootstrap,
            "parts": ROLES,
            "processes": {name: part.pid for name, part in self.parts.items()},
            "credentials": {**self.secrets.credentials(login), "mailbox": f"{self.sink.url}/messages"},
        }

    def write_endpoints(self) -> None:
        """Write `endpoints.json`, for the owner alone: it holds passwords."""
        write_private(self.folder / "endpoints.json", json.dumps(self.endpoints(), indent=1).encode())

    def close(self) -> None:
        """End every process of this run and remove its private folder."""
        for part in self.parts.values():
            part.leave()
        self.guardian.close()


def _scripts() -> Path | None:
    """Where rendered migrations are kept; None where there is no place for a cache, which only costs time."""
    try:
        return cache_root(unprivileged()) / "migrations"
    except BinariesError:
        return None
