"""A compose project as certify runs it: read from what `docker compose config` resolved, and set apart from all others. Pure."""

import copy
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from certify.drivers.compose.labels import OWNER, PROJECT_PREFIX, RUN

COMPLETED = "service_completed_successfully"
_HEALTHY = "service_healthy"
_LOOPBACK = "127.0.0.1"
_NO_RESTART = frozenset({"", "no", "none"})
_ON_FAILURE = "on-failure"


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One service of a compose file, as far as its readiness depends on it.

    Attributes:
        image: its name, where it is not built out of these files.
        needs: service -> condition, of what must be there first.
        awaited: somebody waits for it to end well, so it is a one-shot.
        checked: it has a health check of its own.
        restarts: the engine starts it again when it fails.
        kept: the engine starts it again also when it ended well.
        ports: TCP ports that it publishes, as they are numbered inside the container.
        probe: path of the ready probe that must say so once after each start; empty: serving the ports is enough.
    """

    name: str
    image: str = ""
    needs: dict[str, str] = {}
    awaited: bool = False
    checked: bool = False
    restarts: bool = False
    kept: bool = False
    ports: tuple[int, ...] = ()
    probe: str = ""

    @property
    def may_end(self) -> bool:
        """Whether ending with exit code 0 is all that can be asked of it."""
        return self.awaited or not (self.kept or self.checked or self.ports)


def parts(config: Mapping[str, Any]) -> tuple[Part, ...]:
    """The services of a resolved compose file, in its order."""
    services: Mapping[str, Any] = config.get("services") or {}
    built = {service.get("image") for service in services.values() if "build" in service}
    awaited = {
        other
        for service in services.values()
        for other, dependency in _needs(service).items()
        if dependency == COMPLETED
    }
    found = (_part(name, service, name in awaited) for name, service in services.items() if _replicas(service))
    # What another service builds has no name by which anybody else could have it.
    return tuple(msgspec.structs.replace(part, image="") if part.image in built else part for part in found)


def project_name(run_id: str) -> str:
    """A name that no other project on this machine has, made of what Compose allows."""
    return PROJECT_PREFIX + hashlib.sha256(run_id.encode()).hexdigest()[:12]


def isolate(config: Mapping[str, Any], run_id: str, owner: str, *, keep_ports: bool = False) -> dict[str, Any]:
    """The same project with nothing that it could share with another one.

    A service has one container. Names of containers, networks and volumes become the project's own, published ports become free ones on loopback,
    and everything that is made carries the run's label. What the file calls external stays as it is.
    """
    alone = copy.deepcopy(dict(config))
    alone["name"] = project_name(run_id)
    labels = {RUN: run_id, OWNER: owner}
    built = {
        service["image"]: _built_name(name, service["build"])
        for name, service in (alone.get("services") or {}).items()
        if "build" in service and service.get("image")
    }
    for name, service in (alone.get("services") or {}).items():
        service.pop("container_name", None)
        # Compose has left out what was not chosen; the rest is to start whatever is chosen later.
        service.pop("profiles", None)
        if _replicas(service) > 1:
            service.pop("scale", None)
            service.setdefault("deploy", {})["replicas"] = 1
        service["labels"] = {**_mapping(service.get("labels")), **labels}
        if not keep_ports and service.get("ports"):
            service["ports"] = [_remapped(port) for port in service["ports"]]
        # A stable name: the second run finds what the first one built, and nobody's own image gets another meaning.
        if "build" in service:
            service["image"] = _built_name(name, service["build"])
        elif service.get("image") in built:
            service["image"] = built[service["image"]]
    for kind in ("networks", "volumes"):
        for key, thing in (alone.get(kind) or {}).items():
            if not thing.get("external"):
                thing["name"] = f"{alone['name']}_{key}"
                thing["labels"] = {**_mapping(thing.get("labels")), **labels}
    return alone


def unchecked(config: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The same without the health checks of these services, as long as no other service waits for what they say."""
    without = copy.deepcopy(dict(config))
    services: dict[str, Any] = without.get("services") or {}
    waited_for = {
        other for service in services.values() for other, wanted in _needs(service).items() if wanted == _HEALTHY
    }
    for name in names:
        if name in services and name not in waited_for:
            services[name]["healthcheck"] = {"disable": True}
    return without


def remapped(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Published ports that the run does not take, in words for the report."""
    services: Mapping[str, Any] = config.get("services") or {}
    return tuple(
        f"{name}: {port['published']} -> a free port of {_LOOPBACK}"
        for name, service in services.items()
        for port in service.get("ports") or ()
        if port.get("published")
    )


def scaled_down(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Services of which the run starts one container only, in words for the report."""
    services: Mapping[str, Any] = config.get("services") or {}
    many = {name: _replicas(service) for name, service in services.items()}
    return tuple(f"{name}: one container instead of {count}" for name, count in many.items() if count > 1)


def shared(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Networks and volumes that are not the run's own, because the file calls them external, in words for the report."""
    return tuple(
        f"the {kind[:-1]} {thing.get('name') or key} is external: what the stack does there stays"
        for kind in ("networks", "volumes")
        for key, thing in (config.get(kind) or {}).items()
        if thing.get("external")
    )


def _part(name: str, service: Mapping[str, Any], awaited: bool) -> Part:  # noqa: FBT001 - the caller names it
    health = service.get("healthcheck") or {}
    test = health.get("test") or []
    off = health.get("disable") or test[:1] == ["NONE"]
    return Part(
        name,
        image=str(service.get("image") or ""),
        needs=_needs(service),
        awaited=awaited,
        checked=bool(test) and not off,
        restarts=_policy(service) not in _NO_RESTART,
        kept=_policy(service) not in {*_NO_RESTART, _ON_FAILURE},
        ports=tuple(_targets(service.get("ports") or ())),
    )


def _replicas(service: Mapping[str, Any]) -> int:
    told = service.get("scale", (service.get("deploy") or {}).get("replicas"))
    return 1 if told is None else int(told)


def _needs(service: Mapping[str, Any]) -> dict[str, str]:
    needs = service.get("depends_on") or {}
    return {name: str(dependency.get("condition") or "") for name, dependency in needs.items()}


def _policy(service: Mapping[str, Any]) -> str:
    """When the engine starts it again: `no`, `on-failure`, or a word for always."""
    policy = (service.get("deploy") or {}).get("restart_policy") or {}
    if policy:
        return str(policy.get("condition") or "any")
    return str(service.get("restart") or "").partition(":")[0]


def _targets(ports: Iterable[Mapping[str, Any]]) -> Iterable[int]:
    return dict.fromkeys(int(port["target"]) for port in ports if port.get("protocol", "tcp") == "tcp")


def _remapped(port: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "target": port["target"],
        "protocol": port.get("protocol", "tcp"),
        "host_ip": _LOOPBACK,
        "mode": port.get("mode", "ingress"),
    }


def _mapping(labels: Mapping[str, str] | Iterable[str] | None) -> dict[str, str]:
    if labels is None:
        return {}
    if isinstance(labels, Mapping):
        return dict(labels)
    pairs = (label.partition("=") for label in labels)
    return {name: value for name, _, value in pairs}


def _built_name(name: str, build: Any) -> str:
    digest = hashlib.sha256(msgspec.json.encode(build, order="deterministic")).hexdigest()[:12]
    return f"certify-built/{name.lower()}:{digest}"
