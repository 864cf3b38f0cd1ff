"""The stack of a merged document: defaults filled in, placeholders replaced, relations checked."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from certify.model.limit import Origin
from certify.model.stack import Probes, Service
from certify.profile.document import PeerEntry, ServiceEntry, StackEntry
from certify.profile.merge import overlay
from certify.profile.model import StackSpec
from certify.profile.problem import Problem, hint
from certify.profile.quantities import read_duration
from certify.profile.tree import Node

GATEWAY: Final = "gateway"
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_KINDS: Final = ("reference", "compose", "targets")
_LEFT_TO_DRIVER: Final = ("suites", "reference")


def read_stack(tree: Node, folders: Mapping[str, str]) -> tuple[StackSpec, list[Problem]]:
    """The stack that the document `tree` describes; `tree` conforms to the schema already.

    `folders` has the folder of every file by the file's name, relative to the profile's own, because a path
    is relative to the file that gives it.
    """
    node = tree.at("stack")
    if node is None:
        return StackSpec(), []
    entry = msgspec.convert(node.plain(), StackEntry)
    problems = [*_kind_problems(node)]
    defaults = node.at("defaults") or Node({})
    names = dict.fromkeys([*node.entries("services"), *(name for name in entry.targets if name != GATEWAY)])
    services = []
    for name in names:
        own = node.at("services", name) or Node(None, defaults.origin, defaults.key)
        services.append(
            _service(name, own if own.value is not None else Node({}, own.origin, own.key), defaults, problems)
        )
    problems += _unknown_neighbours(node, names)
    gateway = node.at("gateway") or (Node({}) if GATEWAY in entry.targets else None)
    spec = StackSpec(
        reference=entry.reference,
        targets=entry.targets,
        compose=tuple(_beside(path, node.at("compose"), folders) for path in _as_list(entry.compose)),
        keep_ports=entry.keep_ports,
        source=_beside(entry.source, node.at("source"), folders),
        disposable=entry.disposable,
        services=tuple(services),
        gateway=_service(GATEWAY, gateway, Node({}), problems) if gateway else None,
        boot_budget_us=read_duration(entry.boot_budget, node.nearest("boot_budget").origin, problems),
    )
    peers = {name: _peer(spec, node, name, problems, folders) for name in entry.peers}
    return msgspec.structs.replace(spec, peers=peers), problems


def _peer(own: StackSpec, stack: Node, name: str, problems: list[Problem], folders: Mapping[str, str]) -> StackSpec:
    """The same services, come to be in another way."""
    node = stack.at("peers", name) or Node({})
    entry = msgspec.convert(node.plain(), PeerEntry)
    given = [kind for kind in _KINDS if kind in node.entries()]
    if len(given) != 1:
        problems.append(
            Problem(node.key, f"the peer {name!r} comes to be in one way: {', '.join(_KINDS[:-1])} or {_KINDS[-1]}")
        )
    if entry.python and not entry.reference:
        problems.append(
            Problem(node.key, f"the peer {name!r} has an interpreter, but no 'reference' that it would run")
        )
    return msgspec.structs.replace(
        own,
        reference=entry.reference,
        python=_beside(entry.python, node.at("python"), folders),
        targets=entry.targets,
        compose=tuple(_beside(path, node.at("compose"), folders) for path in _as_list(entry.compose)),
        keep_ports=False,
    )


def _kind_problems(node: Node) -> Iterable[Problem]:
    given = [kind for kind in _KINDS if kind in node.entries()]
    if len(given) > 1:
        second = node.entries()[given[1]]
        yield Problem(second.key, f"a stack comes to be in one way: {given[0]!r} or {given[1]!r}, not both")
    if not given:
        yield Problem(node.key, "the stack does not say how it comes to be; add 'reference', 'compose' or 'targets'")
    # The services of compose files are in the files.
    if not node.entries("services") and not node.entries("targets") and "compose" not in given:
        yield Problem(node.key, "the stack has no services; add 'services'")


def _service(name: str, own: Node, defaults: Node, problems: list[Problem]) -> Service:
    whole = _filled(overlay(defaults, own, 2), name, problems)
    entry = msgspec.convert(whole.plain(), ServiceEntry)
    return Service(
        name=name,
        probes=Probes(entry.probes.live, entry.probes.ready),
        graphql=entry.graphql,
        metrics=entry.metrics,
        database=entry.database if isinstance(entry.database, str) else "",
        migrations=entry.migrations,
        source=tuple(_as_list(entry.source)),
        tests=entry.tests,
        owner=entry.owner,
        tier=entry.tier,
        calls=tuple(entry.calls),
        consumes=tuple(entry.consumes),
    )


def _filled(node: Node, name: str, problems: list[Problem]) -> Node:
    """The tree with `{name}` and `{module}` replaced in every text."""
    values = {"name": name, "module": name.replace("-", "_")}

    def replace(found: re.Match[str]) -> str:
        return values.get(found[1], found[0])

    def fill(inner: Node) -> Node:
        value: Any = inner.value
        if isinstance(value, dict):
            value = {key: fill(child) for key, child in value.items()}
        elif isinstance(value, list):
            value = [fill(child) for child in value]
        elif isinstance(value, str):
            problems.extend(_unknown_placeholders(value, inner.origin, (*values, *_LEFT_TO_DRIVER)))
            value = _PLACEHOLDER.sub(replace, value)
        return Node(value, inner.origin, inner.key)

    return fill(node)


def _unknown_placeholders(text: str, origin: Origin, known: Iterable[str]) -> Iterable[Problem]:
    for placeholder in _PLACEHOLDER.findall(text):
        if placeholder not in known:
            yield Problem(origin, f"unknown placeholder '{{{placeholder}}}'{hint(placeholder, known)}")


def _unknown_neighbours(node: Node, names: Iterable[str]) -> Iterable[Problem]:
    for name, service in node.entries("services").items():
        for key, verb in (("calls", "calls"), ("consumes", "consumes the events of")):
            for other in service.items(key):
                if other.value not in names:
                    near = hint(other.value, names, offer=False)
                    told = f"service {name} {verb} {other.value!r}, which is no service{near}"
                    yield Problem(other.origin, told)


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _beside(path: str, node: Node | None, folders: Mapping[str, str]) -> str:
    """A path relative to the file that gives it; what begins with a placeholder is the driver's to resolve."""
    if not path or path.startswith("{"):
        return path
    return os.path.normpath(Path(folders.get(node.origin.file, "") if node else "", path))
