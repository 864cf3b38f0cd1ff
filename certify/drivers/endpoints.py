"""Joins what the profile declares of a stack with what its launcher says once it runs. Pure."""

import shlex
from typing import Any

import msgspec

from certify.model.stack import Container, Probes, Service, Stack
from certify.profile.model import StackSpec

_SUITES = "{suites}"


class Told(msgspec.Struct, frozen=True):
    """One end point as a launcher tells it; unknown keys are ignored, so that launchers may say more."""

    url: str
    graphql: str = ""
    live: str = ""
    ready: str = ""
    metrics: str = ""
    database: str = ""
    pid: int = 0
    log: str = ""
    container: Container | None = None


class Endpoints(msgspec.Struct, frozen=True):
    """All end points of a stack, and how to log in (see `certify.model.stack.Stack`).

    `processes` has the process id of every part, also of those that are no services.
    """

    services: dict[str, Told] = {}
    gateway: Told | None = None
    credentials: dict[str, Any] = {}
    broker: str = ""
    parts: dict[str, str] = {}
    processes: dict[str, int] = {}


def declared(spec: StackSpec, suites: str = "") -> Stack:
    """The stack as the profile declares it; `suites` replaces the placeholder in test commands."""
    services = tuple(
        msgspec.structs.replace(service, tests=service.tests.replace(_SUITES, shlex.quote(suites)))
        for service in spec.services
    )
    return Stack(services, spec.gateway, {}, bool(spec.reference), spec.disposable)


def join(stack: Stack, told: Endpoints) -> Stack:
    """The declared stack with the addresses of a running one; what the profile says wins over what is told.

    Services that run but that the profile does not name stay out: nobody asked about them.
    """
    services = tuple(_join(service, told.services.get(service.name)) for service in stack.services)
    gateway = stack.gateway
    if told.gateway:
        gateway = _join(gateway or Service("gateway"), told.gateway)
    return msgspec.structs.replace(
        stack,
        services=services,
        gateway=gateway,
        credentials=told.credentials,
        broker=told.broker,
        parts=({"gateway": gateway.name} if gateway else {}) | told.parts,
    )


def _join(service: Service, told: Told | None) -> Service:
    if told is None:
        return service
    return msgspec.structs.replace(
        service,
        url=told.url,
        probes=Probes(service.probes.live or told.live, service.probes.ready or told.ready),
        graphql=service.graphql or told.graphql,
        metrics=service.metrics or told.metrics,
        database=service.database or told.database,
        pid=told.pid,
        log=told.log,
        container=told.container,
    )
