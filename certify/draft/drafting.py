"""From resolved compose files, and what was seen beside them, to a draft. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from certify.draft.classify import classify, waiting_for, words
from certify.draft.model import Answers, Built, Draft, Drafted, Found, Kind, Target
from certify.draft.probes import confirmed, from_health_check, health_test, target_of
from certify.drivers.compose.project import Part, parts

# As profiles want names: see `certify.profile.document`.
_SERVICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_GATEWAY: Final = "gateway"
_CALLED: Final = frozenset({Kind.APPLICATION, Kind.PROXY})
_ASKED: Final = frozenset({Kind.APPLICATION, Kind.PROXY, Kind.DEVELOPMENT})
_SUBGRAPHS: Final = 2


class Read(msgspec.Struct, frozen=True):
    """All that was read at rest.

    Attributes:
        config: the files as Compose resolved them: what starts.
        raw: the same with variables as they are written, so that none of their values is taken over.
        whole: service -> its Compose profiles, as they are written, of all that the files have.
        built: service -> what its Dockerfile says.
        unset: variables without a value.
    """

    config: dict[str, Any]
    raw: dict[str, Any] = {}
    whole: dict[str, tuple[str, ...]] = {}
    built: dict[str, Built] = {}
    unset: tuple[str, ...] = ()


def draft(name: str, compose: Sequence[str], read: Read, answers: Mapping[str, Answers] | None = None) -> Draft:
    """The profile `name` for the files `compose` (paths relative to it); `answers` are None when nobody looked."""
    services: Mapping[str, Any] = read.config.get("services") or {}
    found = {part.name: part for part in parts(read.config)}
    kinds = kinds_of(read)
    drafted = tuple(_drafted(part, read, kinds, (answers or {}).get(part.name)) for part in found.values())
    gateway = _gateway(drafted)
    return Draft(
        name=name,
        compose=tuple(compose),
        services=tuple(one for one in drafted if _SERVICE.fullmatch(one.name)),
        looked=answers is not None,
        gateway=gateway,
        unset=read.unset,
        left_out={one: ", ".join(profiles) for one, profiles in read.whole.items() if one not in services},
        unnameable=tuple(one.name for one in drafted if not _SERVICE.fullmatch(one.name)),
    )


def kinds_of(read: Read) -> dict[str, Found]:
    """What each service is for."""
    services: Mapping[str, Any] = read.config.get("services") or {}
    return {
        part.name: classify(
            part.name,
            services[part.name],
            part,
            waiting_for(part.name, services),
            read.built.get(part.name, Built()),
        )
        for part in parts(read.config)
    }


def asked(read: Read) -> dict[str, tuple[str, ...]]:
    """The services that may answer HTTP, where a look is worth it, each with what its health check asks in the same way."""
    kinds = kinds_of(read)
    worth = [part for part in parts(read.config) if part.ports and kinds[part.name].value in _ASKED]
    targets = {part.name: _target(part, read) for part in worth}
    return {name: (target.path,) if target and not target.obstacle else () for name, target in targets.items()}


def _drafted(part: Part, read: Read, kinds: Mapping[str, Found], answers: Answers | None) -> Drafted:
    service = read.config["services"][part.name]
    kind = kinds[part.name]
    probes: dict[str, Found] = {}
    remarks: tuple[str, ...] = ()
    health, where = health_test(service, read.built.get(part.name, Built()))
    if target := _target(part, read):
        probes, remarks = from_health_check(target, part.ports, where)
    if answers:
        remarks += (answers.said,) if answers.said else ()
        probes, unanswered = confirmed(probes, answers)
        remarks += unanswered
    return Drafted(
        part.name,
        kind,
        live=probes.get("live"),
        ready=probes.get("ready"),
        graphql=probes.get("graphql"),
        metrics=probes.get("metrics"),
        calls=_calls(part, kinds) if kind.value in _CALLED else (),
        remarks=(*_about(part, kind, health, answers), *remarks, *_documents(part, read, answers)),
    )


def _target(part: Part, read: Read) -> Target | None:
    service = read.config["services"][part.name]
    test, _ = health_test(service, read.built.get(part.name, Built()))
    environment = {name: str(value) for name, value in (service.get("environment") or {}).items() if value is not None}
    target = target_of(test, environment, part.name)
    if target is None or target.path in _as_written(part.name, read):
        return target
    return msgspec.structs.replace(target, path="", obstacle="a variable is part of its path, and no value is copied")


def _as_written(name: str, read: Read) -> str:
    """The text of a health check before any variable in it was replaced."""
    own = ((read.raw.get("services") or {}).get(name) or {}).get("healthcheck") or {}
    return words(own.get("test")) + " " + words(list(read.built.get(name, Built()).health))


def _about(part: Part, kind: Found, health: Sequence[str], answers: Answers | None) -> tuple[str, ...]:
    """How it is judged, beside its probes."""
    if kind.value == Kind.ONE_SHOT:
        return ("well when it has ended with exit code 0 (sure)",)
    if part.ports:
        told = f"publishes {', '.join(map(str, part.ports[:8]))}; certify takes free ports of 127.0.0.1 (sure)"
        return (told,) if answers is None or not answers.said else ()
    judged = "its container and its health check" if health else "its process alone: it has no health check"
    return (f"publishes no port: judged by {judged} (sure)",)


def _documents(part: Part, read: Read, answers: Answers | None) -> tuple[str, ...]:
    if answers and answers.document:
        return (f"OpenAPI: {answers.document} answered when it was looked at (sure)",)
    documents = read.built.get(part.name, Built()).documents
    return (f"OpenAPI: {documents[0]} is beside its Dockerfile (likely)",) if documents else ()


def _calls(part: Part, kinds: Mapping[str, Found]) -> tuple[str, ...]:
    """Applications that it wants started first: it is likely to call them."""
    return tuple(
        other for other in part.needs if other in kinds and kinds[other].value in _CALLED and _SERVICE.fullmatch(other)
    )


def _gateway(drafted: Sequence[Drafted]) -> str:
    """The service called `gateway`, where it stands in front of several that speak GraphQL."""
    speaking = {one.name for one in drafted if one.graphql}
    for one in drafted:
        if one.name == _GATEWAY and one.graphql and len(speaking & set(one.calls)) >= _SUBGRAPHS:
            return one.name
    return ""
