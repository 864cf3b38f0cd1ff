"""The controls of a merged document: scopes resolved, references between controls checked."""

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

import msgspec

from certify.model.limit import Limit
from certify.profile.document import ControlEntry
from certify.profile.merge import Merged
from certify.profile.model import Control
from certify.profile.problem import Problem, hint
from certify.profile.quantities import read_limit
from certify.profile.tree import Node


def read_controls(merged: Merged, services: Sequence[str]) -> tuple[tuple[Control, ...], list[Problem]]:
    """The controls, and what is wrong with them as a whole; `services` are the names of the stack's services."""
    problems: list[Problem] = []
    entries = merged.tree.entries("controls")
    controls = tuple(_control(name, node, merged, services, problems) for name, node in entries.items())
    problems += _unknown_requirements(entries, merged.replaced)
    problems += _circles(controls, entries)
    return controls, problems


def _control(name: str, node: Node, merged: Merged, services: Sequence[str], problems: list[Problem]) -> Control:
    entry = msgspec.convert(node.plain(), ControlEntry)
    if not entry.title:
        problems.append(Problem(node.key, f"control {name} has no 'title'"))
    if not entry.prove:
        problems.append(Problem(node.key, f"control {name} names no rule that proves it; add 'prove: [CHECK.RULE]'"))
    return Control(
        id=name,
        title=entry.title,
        source=entry.source,
        severity=entry.severity,
        mode=entry.mode,
        prove=tuple(dict.fromkeys(entry.prove)),
        limits=_limits(node, problems),
        options=entry.with_,
        services=_scope(name, node, entry, services, problems),
        requires=tuple(_followed(entry.requires, merged.replaced)),
        references=tuple(entry.references),
        owner=entry.owner,
        origin=node.key,
    )


def _limits(node: Node, problems: list[Problem]) -> dict[str, Limit]:
    read = {name: read_limit(limit, problems) for name, limit in node.entries("limits").items()}
    return {name: limit for name, limit in read.items() if limit is not None}


def _scope(
    name: str, node: Node, entry: ControlEntry, services: Sequence[str], problems: list[Problem]
) -> tuple[str, ...]:
    for key in ("services", "except"):
        for item in node.items(key):
            if services and item.value not in services:
                message = f"control {name} names service {item.value!r}, which is not in the stack"
                problems.append(Problem(item.origin, message + hint(item.value, services, offer=False)))
    if not entry.except_:
        return tuple(dict.fromkeys(entry.services))
    left = tuple(service for service in entry.services or services if service not in entry.except_)
    if not left and services:
        problems.append(Problem(node.nearest("except").origin, f"control {name} is about no service at all"))
    return left


def _followed(required: Iterable[str], replaced: Mapping[str, list[str]]) -> Iterable[str]:
    """Required controls, each by those that took its place."""
    seen = {}
    waiting = list(required)
    while waiting:
        name = waiting.pop(0)
        if name in replaced:
            waiting = [*replaced[name], *waiting]
        else:
            seen[name] = True
    return seen


def _unknown_requirements(entries: Mapping[str, Node], replaced: Mapping[str, list[str]]) -> Iterable[Problem]:
    for name, node in entries.items():
        for item in node.items("requires"):
            if item.value not in entries and item.value not in replaced:
                message = f"control {name} requires {item.value!r}, which is no control"
                yield Problem(item.origin, message + hint(item.value, entries, offer=False))


def _circles(controls: Sequence[Control], entries: Mapping[str, Node]) -> Iterable[Problem]:
    try:
        TopologicalSorter({control.id: control.requires for control in controls}).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        origin = entries[circle[0]].nearest("requires").origin
        yield Problem(origin, f"controls require each other in a circle: {' -> '.join(circle)}")
