"""The whole stack of one run: boots in parallel, knows who is ready, restarts and disturbs single services."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from certify_stack.embedded.forker import Bound, Forker
from certify_stack.embedded.gateway import Gateway, GatewayError
from certify_stack.embedded.guardian import Guardian, mark_owned, sweep
from certify_stack.embedded.postgres import PostgresServer, scratch_root
from certify_stack.embedded.probe import get, until_good
from certify_stack.embedded.secrets_of_run import RunSecrets, write_private
from certify_stack.embedded.service import ServiceState
from certify_stack.erp import SERVICES
from certify_stack.gateway.node import NodeError
from certify_stack.gateway.process import Subgraph

PREFIX = "certify-stack-"
GATEWAY = "gateway"
BOOT_SECONDS = 60.0

Say = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Options:
    """What the caller wants: where logs and endpoints go, start hooks, where spans go."""

    folder: Path | None = None
    overlays: tuple[str, ...] = ()
    otlp: str | None = None
    services: tuple[str, ...] = SERVICES


@dataclass
class Stack:
    """One run. `say` gets its events."""

    options: Options
    say: Say
    services: dict[str, ServiceState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the run's private folder, which the guardian removes whatever happens."""
        root = scratch_root()
        sweep(root, PREFIX)
        self.guardian = Guardian()
        self.private = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        self.guardian.remove(self.private)
        mark_owned(self.private)
        self.private.chmod(0o711)
        self.folder = self.options.folder or self.private / "run"
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)

    async def boot(self) -> None:
        """Start everything and wait until all of it is ready, or the time is up.

        A service that does not come up is left with its `failure` set and the rest of the stack running.

        Raises:
            RuntimeError: Not even the parts that all services need came up.
        """
        self.forker = await Forker.start(self.options.services, self.options.overlays, self.logs, self._on_event)
        self.guardian.watch(self.forker.process.pid)
        self.postgres = PostgresServer(self.private, self.logs / "postgres.log")
        self.postgres.start()
        self.guardian.watch(self.postgres.process.pid, gentle=signal.SIGQUIT)
        self.say(event("postgres", "ready"))
        databases, self.secrets, bound = await asyncio.gather(
            asyncio.to_thread(self.postgres.create_databases, self.options.services),
            asyncio.to_thread(RunSecrets.create, self.private / "secrets", self.options.services),
            self.forker.bound,
        )
        self._plan(bound, databases)
        try:
            async with asyncio.timeout(BOOT_SECONDS):
                await asyncio.gather(self._boot_services(), self._boot_gateway())
                await self._wait_gateway()
        except TimeoutError:
            await self._name_the_late()
        self.write_endpoints()

    def _plan(self, bound: Mapping[str, Bound], databases: Mapping[str, str]) -> None:
        for name, told in bound.items():
            log = self.logs / f"{name}.log"
            self.services[name] = ServiceState(name, told.port, told.sdl, databases[name], log)
        self.gateway = Gateway(
            tuple(Subgraph(s.name, f"{s.url}/graphql", s.ready_url, s.sdl) for s in self.services.values()),
            self.secrets.gateway_jwt(),
            self.private / "gateway.json",
            self.logs / "gateway.log",
        )
        self.gateway_failure = ""

    async def _boot_services(self) -> None:
        await asyncio.gather(*(self.start(name) for name in self.services))
        await asyncio.gather(*(s.reaches("migrated", "listening", "died") for s in self.services.values()))
        if not self.failures():
            await self._seed()
        await asyncio.gather(*(self.wait_ready(name) for name in self.services))

    async def _seed(self) -> None:
        databases = {name: service.database for name, service in self.services.items()}
        await self.forker.do("seed", databases=databases, passwords=dict(self.secrets.passwords))

    async def _boot_gateway(self) -> None:
        try:
            await self.start_gateway()
        except (GatewayError, NodeError) as error:
            self.gateway_failure = str(error)
            self.say(event(GATEWAY, "died", self.gateway_failure))

    async def start_gateway(self) -> None:
        """Start the gateway and have it watched."""
        self.say(event(GATEWAY, "starting"))
        await self.gateway.start()
        self.guardian.watch(self.gateway.pid)
        self.say(event(GATEWAY, "listening"))

    async def _wait_gateway(self) -> None:
        """The gateway asks every service, so it is asked itself only when all of them are well."""
        if not self.failures():
            await until_good(f"{self.gateway.url}/health/ready")
            self.say(event(GATEWAY, "ready"))

    async def start(self, name: str) -> None:
        """Have the service's process forked; returns when it exists."""
        await self.forker.do("start", name=name, settings=self._settings(name))

    async def wait_ready(self, name: str) -> None:
        """Wait until the service's probe says yes, or its process died. Limit it from outside."""
        service = self.services[name]
        await service.reaches("listening", "ready", "died")
        if service.state == "listening":
            probing = asyncio.create_task(until_good(service.ready_url))
            dying = asyncio.create_task(service.reaches("died"))
            try:
                await asyncio.wait({probing, dying}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                probing.cancel()
                dying.cancel()
        if service.state == "listening":
            service.enter("ready")
            self.say(event(name, "ready"))

    def failures(self) -> dict[str, str]:
        """Why parts are not ready, by name."""
        found = {name: service.failure for name, service in self.services.items() if service.failure}
        return {**found, GATEWAY: self.gateway_failure} if self.gateway_failure else found

    async def _name_the_late(self) -> None:
        for service in self.services.values():
            if service.state not in {"ready", "died"}:
                reason = (
                    (await get(service.ready_url)).reason if service.state == "listening" else f"still {service.state}"
                )
                service.failure = f"not ready after {BOOT_SECONDS:g} s ({reason})"
        if not self.failures():
            self.gateway_failure = f"not ready after {BOOT_SECONDS:g} s"

    def _settings(self, name: str) -> dict[str, Any]:
        settings: dict[str, Any] = {
            "database_dsn": self.services[name].database,
            "auth_public_jwks": self.secrets.key.jwks(),
            "otlp_endpoint": self.options.otlp,
            "service_urls": {other: service.url for other, service in self.services.items()},
            "service_token_file": str(self.secrets.token_files[name]),
        }
        if name == "auth":
            settings["auth_private_key"] = str(self.secrets.key_file)
        return settings

    def _on_event(self, told: dict[str, Any]) -> None:
        service = self.services[told["name"]]
        died = told["state"] == "died"
        service.enter(told["state"], told["pid"], f"its process ended: {told['detail']}" if died else "")
        self.say(event(told["name"], told["state"], told["detail"]))

    def endpoints(self) -> dict[str, Any]:
        """Addresses and credentials of everything."""
        login = f"{self.services['auth'].url}/login" if "auth" in self.services else ""
        return {
            "gateway": self.gateway.endpoint(),
            "services": {name: service.endpoint() for name, service in self.services.items()},
            "credentials": self.secrets.credentials(login),
        }

    def write_endpoints(self) -> None:
        """Write `endpoints.json`, for the owner alone: it holds passwords."""
        write_private(self.folder / "endpoints.json", json.dumps(self.endpoints(), indent=1).encode())

    def close(self) -> None:
        """End every process of this run and remove its private folder."""
        self.guardian.close()


def event(name: str, state: str, detail: str | None = None) -> dict[str, Any]:
    """An event about one part of the stack."""
    return {"event": "service", "name": name, "state": state, "detail": detail}
