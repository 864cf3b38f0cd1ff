"""Whether the services call each other as the profile declares: each declared edge carries a call, and no other does."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from certify.api import Criteria, Finding, Location, Measurement, Outcome, Ruling, Seeded, clip
from certify_checks.health.edges_model import Carried, EdgesSeen, Exercised
from certify_checks.health.model import HealthObservation
from certify_checks.tracing import CALL, EVENT, Edge

_VERBS = {CALL: "calls", EVENT: "consumes"}
_MAX_TOLD = 3


def judge_edges(seen: HealthObservation, criteria: Criteria) -> Ruling:
    """Compare the declared edges with those that carried calls; what cannot be told is neither good nor bad."""
    edges = seen.edges
    owned = _owned(edges, criteria)
    if edges is None or not (owned or edges.services):
        return Ruling.inconclusive("no-services", "no service was looked at", cure="declare services")
    if blind := _blind(edges):
        return blind
    findings = tuple(_findings(edges, criteria))
    limit = criteria["broken"]
    calls = sum(one.calls for one in edges.carried)
    broken = Measurement("broken", len(findings), limit=limit, samples=calls)
    if limit.holds(len(findings)) and (doubt := _doubt(edges, owned)):
        return doubt
    outcome = Outcome.PASS if limit.holds(len(findings)) else Outcome.FAIL
    return Ruling(outcome, _summary(edges, owned), len(owned), findings=findings, measurements=(broken,))


def _owned(edges: EdgesSeen | None, criteria: Criteria) -> tuple[Edge, ...]:
    return tuple(edge for edge in edges.declared if criteria.covers(edge.owner)) if edges else ()


def _blind(edges: EdgesSeen) -> Ruling | None:
    if not edges.decoy:
        told = "a call that was told to the listener did not come out of its file"
        cure = "see the listener's log in the evidence; without a listener this rule cannot be decided"
        return Ruling.inconclusive("sensor-blind", told, cure=cure)
    if any(edges.heard.get(name) for name in edges.services):
        return None
    told = f"no service sent a span within {edges.waited_us / 1e6:.1f} s"
    if others := [name for name, count in edges.heard.items() if count]:
        told += f"; spans came from {', '.join(others[:_MAX_TOLD])}, which the profile does not name"
    cure = "let the services send their spans to OTEL_EXPORTER_OTLP_ENDPOINT by OTLP over HTTP"
    cure += ", with the name that the profile gives them as OTEL_SERVICE_NAME"
    return Ruling.inconclusive("no-spans", told, cure=cure)


def _findings(edges: EdgesSeen, criteria: Criteria) -> Iterator[Finding]:
    carried = {one.edge: one for one in edges.carried}
    for edge in _owned(edges, criteria):
        if edge not in carried:
            if not _unproved(edge, edges):
                yield _missing(edge, edges)
        elif finding := _failing(carried[edge]):
            yield finding
    for one in edges.carried:
        if criteria.covers(one.edge.owner) and not _expected(one.edge, edges):
            yield _undeclared(one)


def _expected(edge: Edge, edges: EdgesSeen) -> bool:
    if edge in edges.declared:
        return True
    # A gateway routes to every service, and takes calls from all; only one that declares its edges is held to them.
    free = edges.gateway and not any(edge.caller == edges.gateway for edge in edges.declared)
    return edge.called == edges.gateway or (bool(free) and edge.caller == edges.gateway)


def _unproved(edge: Edge, edges: EdgesSeen) -> tuple[str, str, str] | None:
    """Why nothing can be said of an edge that carried no call: reason, words and cure."""
    if silent := [name for name in (edge.caller, edge.called) if not edges.heard.get(name)]:
        cure = f"let {' and '.join(silent)} send spans under that name (OTEL_SERVICE_NAME), and be called"
        return "silent-service", f"{edge}: {' and '.join(silent)} sent no span", cure
    if edges.lost:
        return "spans-lost", f"{edge}: {edges.lost} spans were lost", "send fewer spans, or find room for them"
    if not edges.exercised:
        cure = "list operations that cause it: `checks: {health: {exercise: {operations: [...]}}}`"
        return "not-exercised", f"{edge} saw no call; nothing was sent, because {edges.unexercised}", cure
    return None


def _doubt(edges: EdgesSeen, owned: Iterable[Edge]) -> Ruling | None:
    """What stands against a pass although nothing wrong was seen."""
    carried, owned = {one.edge for one in edges.carried}, tuple(owned)
    found = [why for edge in owned if edge not in carried and (why := _unproved(edge, edges))]
    if found:
        told = "; ".join(words for _, words, _ in found[:_MAX_TOLD])
        more = f" and {len(found) - _MAX_TOLD} more" if len(found) > _MAX_TOLD else ""
        return Ruling.inconclusive(found[0][0], told + more, cure=found[0][2], examined=len(owned) - len(found))
    if edges.lost:
        told = f"{edges.lost} spans were lost: an undeclared edge may be among them"
        return Ruling.inconclusive("spans-lost", told, cure="send fewer spans, or find room for them")
    if not owned:
        cure = "declare `calls` and `consumes` of the services, or drop the control"
        return Ruling.inconclusive("no-edges", "no edge is declared", cure=cure)
    return None


def _missing(edge: Edge, edges: EdgesSeen) -> Finding:
    told = f"{edge.owner} {_VERBS[edge.kind]} {_other(edge)} by the profile, but no call came: {_tried(edge, edges)}"
    cure = f"make {edge.caller} reach {edge.called}, list an operation that has it do so, or take the edge out"
    return _finding("edge-missing", edge, told, cure, _guilty(edge, edges))


def _guilty(edge: Edge, edges: EdgesSeen) -> str:
    """Whose defect a missing edge is: the caller's; of an event, whoever sent to nobody or else whoever did not take it."""
    events = [one.edge for one in edges.carried if one.edge.kind == EVENT]
    takes = any(one.called == edge.called for one in events)
    sends = any(one.caller == edge.caller for one in events)
    return edge.caller if edge.kind == CALL or (takes and not sends) else edge.called


def _tried(edge: Edge, edges: EdgesSeen) -> str:
    """Which operations could have caused the call, and what they were answered."""
    near = [one for one in edges.exercised if edge.caller in one.reached]
    if near:
        return f"{edge.caller} was reached by {_operations(near)}"
    bad = [one for one in edges.exercised if one.complaint]
    return f"no operation reached {edge.caller}" + (f"; failed: {_operations(bad)}" if bad else "")


def _operations(operations: list[Exercised]) -> str:
    # What failed is the likelier cause.
    ordered = sorted(operations, key=lambda one: not one.complaint)[:_MAX_TOLD]
    answers = (f"answered {clip(one.complaint, 120)!r}" if one.complaint else "answered well" for one in ordered)
    told = ", ".join(f"{one.operation} ({answer})" for one, answer in zip(ordered, answers, strict=True))
    return told + (f" and {len(operations) - _MAX_TOLD} more" if len(operations) > _MAX_TOLD else "")


def _failing(one: Carried) -> Finding | None:
    if one.spoilt:
        told = f"{one.edge}: calls failed, and so did {', '.join(one.spoilt[:_MAX_TOLD])}, which caused them"
    elif one.calls and one.failed == one.calls:
        told = f"{one.edge}: each of {one.calls} calls failed, for example in trace {one.trace}"
    else:
        return None
    return _finding("edge-failing", one.edge, told, f"see the logs of {one.edge.caller} and {one.edge.called}")


def _undeclared(one: Carried) -> Finding:
    edge = one.edge
    told = f"{edge.owner} {_VERBS[edge.kind]} {_other(edge)}, which the profile does not declare: "
    told += f"{one.calls} times, for example in trace {one.trace}"
    key = "calls" if edge.kind == CALL else "consumes"
    cure = f"add {_other(edge)} to `{key}` of {edge.owner} in the profile, or find out why it is reached"
    return _finding("edge-undeclared", edge, told, cure)


def _other(edge: Edge) -> str:
    return edge.called if edge.owner == edge.caller else edge.caller


def _finding(code: str, edge: Edge, told: str, cure: str, guilty: str = "") -> Finding:
    place = Location(service=guilty or edge.owner, coordinate=str(edge))
    return Finding(code, told, location=place, cure=cure, context=code)


def _summary(edges: EdgesSeen, owned: tuple[Edge, ...]) -> str:
    carried = {one.edge: one for one in edges.carried}
    proved = [carried[edge] for edge in owned if edge in carried]
    extra = sum(1 for one in edges.carried if not _expected(one.edge, edges))
    calls, failed = sum(one.calls for one in proved), sum(one.failed for one in proved)
    return f"{len(proved)} of {len(owned)} declared edges carried {calls} calls, {failed} failed; {extra} undeclared"


def seed_edges(seen: HealthObservation, criteria: Criteria) -> Iterator[Seeded[HealthObservation]]:
    """Edges that carry nothing, only failures, or lead elsewhere, and edges that nobody declared."""
    edges = seen.edges
    if edges is None:
        return
    owners = [name for name in edges.services if criteria.covers(name)]
    needed = max(1, criteria["broken"].beyond())
    for kind, name in ((CALL, "calls"), (EVENT, "events")):
        hit = tuple(edge for edge in _owned(edges, criteria) if edge.kind == kind)[:needed]
        # A limit that allows more than there are edges is broken by undeclared ones beside them.
        sound = _sound(edges, _strange(kind, owners, needed - len(hit)) if hit else ())
        if hit:
            yield _seeded(f"no {name}", seen, _without(sound, hit), "edge-missing")
            yield _seeded(f"{name} that all fail", seen, _failed(sound, hit), "edge-failing")
            yield _seeded(f"{name} to the wrong service", seen, _astray(sound, hit), "edge-missing")
        if owners:
            more = _sound(edges, _strange(kind, owners, needed))
            yield _seeded(f"undeclared {name}", seen, more, "edge-undeclared")


def _seeded(name: str, seen: HealthObservation, edges: EdgesSeen, code: str) -> Seeded[HealthObservation]:
    return Seeded(name, replace(seen, edges=edges), code)


def _sound(edges: EdgesSeen, more: Iterable[Edge]) -> EdgesSeen:
    """As if all could be told, so that only the planted defect decides; every declared edge carries a call."""
    carried = {one.edge: one for one in edges.carried}
    known = dict.fromkeys(edges.declared) | dict.fromkeys(carried)
    whole = tuple(carried.get(edge) or Carried(edge, 1) for edge in known)
    heard = {name: 1 for edge in edges.declared for name in (edge.caller, edge.called)}
    heard |= dict.fromkeys(edges.services, 1)
    return replace(
        edges,
        carried=(*whole, *(Carried(edge, 1) for edge in more)),
        heard=heard,
        exercised=edges.exercised or (Exercised("planted", ""),),
        lost=0,
        decoy=True,
    )


def _strange(kind: str, owners: list[str], count: int) -> tuple[Edge, ...]:
    """Edges from and to services that nobody has declared."""
    pairs = ((owners[number % len(owners)], f"undeclared-{number}") for number in range(count))
    return tuple(Edge(own, other, kind) if kind == CALL else Edge(other, own, kind) for own, other in pairs)


def _without(edges: EdgesSeen, hit: tuple[Edge, ...]) -> EdgesSeen:
    return replace(edges, carried=tuple(one for one in edges.carried if one.edge not in hit))


def _failed(edges: EdgesSeen, hit: tuple[Edge, ...]) -> EdgesSeen:
    return replace(
        edges, carried=tuple(replace(one, failed=one.calls) if one.edge in hit else one for one in edges.carried)
    )


def _astray(edges: EdgesSeen, hit: tuple[Edge, ...]) -> EdgesSeen:
    def lead(one: Carried) -> Carried:
        return replace(one, edge=replace(one.edge, called="undeclared")) if one.edge in hit else one

    return replace(edges, carried=tuple(lead(one) for one in edges.carried))
