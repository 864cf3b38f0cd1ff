"""The declared edges between the services of a profile: as text, as JSON, and as a Mermaid flow chart. Pure."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from certify.model.escape import terminal, visible
from certify.model.stack import Service
from certify.profile.model import Profile, StackSpec

CALL: Final = "call"
EVENT: Final = "event"
_ARROWS: Final = {CALL: "->", EVENT: "~>"}
_HEADS: Final = {CALL: "calls, which the caller waits for", EVENT: "events, which travel through the broker"}
_NARROWEST: Final = 20


class DeclaredEdge(NamedTuple):
    """`caller` calls `called`, or `called` consumes the events of `caller`."""

    caller: str
    called: str
    kind: str


def declared_edges(stack: StackSpec) -> list[DeclaredEdge]:
    """Every declared edge, each once, by caller."""
    return sorted({edge for service in _parts(stack) for edge in _of(service)})


def edges_as_text(profile: Profile, width: int) -> Iterator[str]:
    """Who reaches whom, line by line, in at most `width` columns where the names allow it; cleaned for a terminal."""
    edges = declared_edges(profile.stack)
    calls = sum(edge.kind == CALL for edge in edges)
    count = f"{len(profile.stack.services)} services, {calls} calls, {len(edges) - calls} events"
    yield terminal(f"edges of profile {profile.name}: {count}")
    for kind, head in _HEADS.items():
        chosen = [edge for edge in edges if edge.kind == kind]
        if chosen:
            yield ""
            yield head
            yield from _adjacency(chosen, _ARROWS[kind], width)
    if alone := _alone(profile.stack, edges):
        yield ""
        yield "without an edge"
        yield from _wrapped("    ", alone, width)


def edges_as_json(profile: Profile) -> dict[str, Any]:
    """Services and edges as plain data."""
    return {
        "profile": profile.name,
        "services": [service.name for service in _parts(profile.stack)],
        "edges": [edge._asdict() for edge in declared_edges(profile.stack)],
    }


def edges_as_mermaid(profile: Profile) -> Iterator[str]:
    """A flow chart as GitHub and others draw it out of a `mermaid` code block: calls solid, events dotted."""
    names = [service.name for service in _parts(profile.stack)]
    node = {name: f"s{number}" for number, name in enumerate(names)}
    yield "flowchart LR"
    yield from (f'    {node[name]}["{_mermaid(name)}"]' for name in names)
    for edge in declared_edges(profile.stack):
        arrow = "-->" if edge.kind == CALL else "-.->"
        yield f"    {node[edge.caller]} {arrow} {node[edge.called]}"


def _parts(stack: StackSpec) -> tuple[Service, ...]:
    gateway = stack.gateway
    shown = gateway is not None and (gateway.calls or gateway.consumes)
    return (*stack.services, gateway) if gateway and shown else stack.services


def _of(service: Service) -> Iterator[DeclaredEdge]:
    yield from (DeclaredEdge(service.name, other, CALL) for other in service.calls)
    yield from (DeclaredEdge(other, service.name, EVENT) for other in service.consumes)


def _alone(stack: StackSpec, edges: Iterable[DeclaredEdge]) -> list[str]:
    joined = {name for edge in edges for name in (edge.caller, edge.called)}
    return [service.name for service in stack.services if service.name not in joined]


def _adjacency(edges: list[DeclaredEdge], arrow: str, width: int) -> Iterator[str]:
    callers = list(dict.fromkeys(edge.caller for edge in edges))
    column = max(len(terminal(name)) for name in callers)
    for caller in callers:
        called = [edge.called for edge in edges if edge.caller == caller]
        yield from _wrapped(f"    {terminal(caller):<{column}} {arrow} ", called, width)


def _wrapped(lead: str, names: Iterable[str], width: int) -> list[str]:
    return textwrap.wrap(
        ", ".join(terminal(name) for name in names),
        max(width, len(lead) + _NARROWEST),
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _mermaid(name: str) -> str:
    """A label that shows exactly `name`: whatever could be markup becomes one of Mermaid's entity codes."""
    return re.sub(r"[^A-Za-z0-9 _.-]", lambda found: f"#{ord(found[0])};", visible(name))
